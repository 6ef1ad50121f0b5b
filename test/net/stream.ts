// A byte stream without a network, for tests of what is above it: the test is the other side.
import type { Stream, StreamReader } from '../../src/lib/network.ts'

export class FakeStream implements Stream {
  readonly remoteAddress: string
  readonly remotePort = 50_000
  readonly localAddress = '127.0.0.1'
  readonly localPort = 9092
  readonly written: Buffer[] = []
  /** While true the kernel takes nothing: what is written stays pending. */
  isStalled = false
  isPaused = false
  isDestroyed = false
  /** `end` was called while something was pending. */
  isEnding = false
  private reader: StreamReader | undefined
  private pending: { bytes: number; taken: (() => void) | undefined }[] = []

  constructor(remoteAddress = '127.0.0.1') {
    this.remoteAddress = remoteAddress
  }

  get pendingBytes(): number {
    return this.pending.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  get unsentBytes(): number {
    return this.pendingBytes
  }

  start(reader: StreamReader): void {
    this.reader = reader
  }

  write(bytes: Uint8Array, taken?: () => void): void {
    this.written.push(Buffer.from(bytes))
    if (this.isStalled) this.pending.push({ bytes: bytes.byteLength, taken })
    else taken?.()
  }

  cork(): void {}
  uncork(): void {}

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {
    this.isEnding = this.pending.length > 0
    if (!this.isEnding) this.destroy()
  }

  destroy(): void {
    this.isDestroyed = true
  }

  /** The other side sends `bytes`, which arrive as the reader's memory has room. */
  receive(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.isDestroyed; ) {
      const target = this.reader!.buffer()
      const length = bytes.copy(target, 0, at)
      at += length
      this.reader!.arrived(length, target)
    }
  }

  /** The other side sends no more, and goes on reading. */
  finishSending(): void {
    this.reader!.ended!()
  }

  /** The other side reads again: everything pending leaves. */
  unstall(): void {
    this.isStalled = false
    for (const { taken } of this.pending.splice(0)) taken?.()
    this.reader!.drained()
  }

  get text(): string {
    return Buffer.concat(this.written).toString()
  }
}

/** `text` as a frame: length and bytes. */
export function frameOf(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
