// One line of a dump: fields for programs, text for people, and what is wrong, if anything.

export interface DumpRow {
  readonly fields: Readonly<Record<string, unknown>>
  readonly text: string
  /** Damage found here; the dump goes on where it can. */
  readonly problem?: string | undefined
}

export interface DumpOptions {
  /** Also the records of each batch. */
  readonly deep: boolean
}

export type Dump = Generator<DumpRow, void, undefined>
