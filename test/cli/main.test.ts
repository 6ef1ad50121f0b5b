// The binary as a process: the broker's life, signals, and readers that leave.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))
const children = new Set<ChildProcess>()
let directory = ''
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-cli-'))
})
after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

interface Running {
  readonly child: ChildProcess
  readonly exit: Promise<number | null>
  printed(): string
  noted(): string
  /** Resolves with what was printed once it matches. */
  until(pattern: RegExp): Promise<RegExpExecArray>
}

function odradek(words: readonly string[], environment: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [main, ...words], {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  children.add(child)
  let out = ''
  let notes = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    notes += text
  })
  const exit = new Promise<number | null>((resolve) => {
    child.on('close', (code) => {
      children.delete(child)
      resolve(code)
    })
  })
  const until = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(out)
      if (found !== null) return found
      assert.ok(children.has(child), `ended before ${pattern} was printed: ${out}${notes}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  return { child, exit, printed: () => out, noted: () => notes, until }
}

const address = /address +(127\.0\.0\.1:\d+)/

describe('start', () => {
  test('prints address, data directory and a line to try; keeps records over a restart; SIGTERM is exit code 0', async () => {
    const data = join(directory, 'data-1')
    const first = odradek(['start', '--port', '0', '--data', data])
    const [, server] = await first.until(address)
    await first.until(/try .*\n/)
    assert.match(first.printed(), /^odradek \d+\.\d+\.\d+ {2}ready in \d+ ms\n/)
    assert.ok(first.printed().includes(`data     ${data}\n`))
    assert.match(
      first.printed(),
      new RegExp(`produce greetings -b ${server} && .*consume greetings -b ${server}\n`),
    )
    const writing = odradek(['produce', 'greetings', '-b', server!])
    writing.child.stdin!.end('hello\n')
    assert.equal(await writing.exit, 0, writing.noted())
    first.child.kill('SIGTERM')
    assert.equal(await first.exit, 0)

    const second = odradek(['start', '--port', '0', '--data', data])
    const reading = odradek(['consume', 'greetings', '-b', (await second.until(address))[1]!])
    assert.equal(await reading.exit, 0, reading.noted())
    assert.equal(reading.printed(), 'hello\n')
    second.child.kill('SIGINT')
    assert.equal(await second.exit, 0)
  })

  test('a data directory or a port in use is said, with exit code 1, and the first broker goes on', async () => {
    const data = join(directory, 'data-2')
    const first = odradek(['start', '--port', '0', '--data', data])
    const [, server] = await first.until(address)
    const sameData = odradek(['start', '--port', '0', '--data', data])
    const samePort = odradek(['start', '--port', server!.split(':')[1]!, '--data', join(directory, 'data-3')])
    assert.equal(await sameData.exit, 1)
    assert.match(sameData.noted(), /^odradek: .*data-2 is in use/)
    assert.equal(await samePort.exit, 1)
    assert.match(samePort.noted(), /^odradek: .*port is taken/)
    assert.equal(await odradek(['topics', 'list', '-b', server!]).exit, 0)
    first.child.kill('SIGTERM')
    assert.equal(await first.exit, 0)
  })

  test('wrong settings are all told with where they came from, and nothing is made', async () => {
    const file = join(directory, 'server.properties')
    writeFileSync(file, 'log.segment.bytes=3\nnum.partitions=many\n')
    const data = join(directory, 'never')
    const { exit, noted, printed } = odradek(
      ['start', '--config', file, '--data', data, '--set', 'log.dris=x'],
      {
        ODRADEK_NUM_IO_THREDS: '3',
      },
    )
    assert.equal(await exit, 1)
    assert.equal(printed(), '')
    assert.match(
      noted(),
      /server\.properties line 1: log\.segment\.bytes: '3' is out of range; allowed: 1048576 to/,
    )
    assert.match(noted(), /server\.properties line 2: num\.partitions: 'many'/)
    assert.match(noted(), /ODRADEK_NUM_IO_THREDS/)
    assert.match(noted(), /--set: log\.dris: .*did you mean log\.dirs\?/)
    assert.doesNotMatch(noted(), /\n {4}at /)
    assert.equal(existsSync(data), false)
  })

  test('--memory leaves nothing on disk; without a directory the data is in ./data', async () => {
    const inMemory = odradek(['start', '--memory', '--port', '0'])
    await inMemory.until(/data +in memory only/)
    inMemory.child.kill('SIGTERM')
    assert.equal(await inMemory.exit, 0)
    assert.equal(existsSync(join(directory, 'data')), false)
    const onDisk = odradek(['start', '--set', 'listeners=PLAINTEXT://127.0.0.1:0'])
    await onDisk.until(/try/)
    onDisk.child.kill('SIGTERM')
    assert.equal(await onDisk.exit, 0)
    assert.equal(existsSync(join(directory, 'data', 'meta.properties')), true)
  })
})

describe('the client', () => {
  test('ends quietly when its reader leaves, as a member with a farewell, and at SIGINT while it follows', async () => {
    const broker = odradek(['start', '--memory', '--port', '0'])
    const [, server] = await broker.until(address)
    const writing = odradek(['produce', 'lines', '-b', server!])
    writing.child.stdin!.end(
      Array.from({ length: 50_000 }, (_, i) => `line ${i} ${'x'.repeat(50)}`).join('\n'),
    )
    assert.equal(await writing.exit, 0, writing.noted())

    const reading = odradek(['consume', 'lines', '-b', server!])
    await reading.until(/line 0 /)
    reading.child.stdout!.destroy()
    assert.equal(await reading.exit, 0)
    assert.equal(reading.noted(), '')

    const member = odradek(['consume', 'lines', '--group', 'readers', '-b', server!])
    await member.until(/line 0 /)
    member.child.stdout!.destroy()
    assert.equal(await member.exit, 0)
    assert.equal(member.noted(), '')
    const described = odradek(['groups', 'describe', 'readers', '--members', '--json', '-b', server!])
    assert.equal(await described.exit, 0, described.noted())
    const [group] = JSON.parse(described.printed()) as { state: string; members: unknown[] }[]
    assert.deepEqual([group!.state, group!.members], ['Empty', []], 'whoever stops reading leaves the group')

    if (existsSync('/dev/full')) {
      const words = [main, 'topics', 'list', '-b', server!]
      const full = openSync('/dev/full', 'w')
      const printing = spawn(process.execPath, words, { stdio: ['ignore', full, 'pipe'] })
      closeSync(full)
      let noted = ''
      printing.stderr!.on('data', (bytes) => {
        noted += bytes
      })
      const [code] = await once(printing, 'close')
      assert.equal(code, 1)
      assert.match(noted, /^odradek: what is printed cannot be written: ENOSPC.*\n$/)
    }

    const following = odradek(['consume', 'lines', '--follow', '--from-beginning', '-b', server!])
    await following.until(/line 49999 /)
    following.child.kill('SIGINT')
    assert.equal(await following.exit, 0, following.noted())
    broker.child.kill('SIGTERM')
    assert.equal(await broker.exit, 0)
  })
})
