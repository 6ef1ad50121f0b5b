// Copies of bytes from one place of this process's memory to another, counted where they happen.
// Promises an addition per copy and nothing else: the figures of docs/benchmarks.md come from here. Leaves what the
// kernel copies (receive, read, write, send) out.

export interface CopyCounter {
  bytesCopied: number
}
