// The names of the cluster's topics in the order in which they were first seen, each with a number. Promises that numbers only
// grow, so that whoever has looked at all names up to one finds those that are new behind it, whatever has come and gone
// since; a name that goes and comes back has another number. Leaves what to do with names to topic-patterns.ts.
import type { ClusterImage } from '../../cluster/image.ts'

export class TopicNames {
  /** How often names have gone. */
  deletions = 0
  private topics: ClusterImage['topics'] = new Map()
  private names: string[] = []
  private numbers: number[] = []
  private lastGiven = 0

  /** The names are those of `topics` from now on. */
  follow(topics: ClusterImage['topics']): void {
    if (topics === this.topics) return
    const known = this.topics
    this.topics = topics
    this.dropThoseGone()
    for (const name of topics.keys()) {
      if (known.has(name)) continue
      this.names.push(name)
      this.numbers.push(++this.lastGiven)
    }
  }

  private dropThoseGone(): void {
    const { names, numbers, topics } = this
    let kept = 0
    for (let at = 0; at < names.length; at++) {
      if (!topics.has(names[at]!)) continue
      names[kept] = names[at]!
      numbers[kept++] = numbers[at]!
    }
    if (kept === names.length) return
    this.deletions++
    names.length = kept
    numbers.length = kept
  }

  get length(): number {
    return this.names.length
  }

  /** The number of the last name; 0: there is none. */
  get last(): number {
    return this.numbers.at(-1) ?? 0
  }

  has(name: string): boolean {
    return this.topics.has(name)
  }

  name(at: number): string {
    return this.names[at]!
  }

  number(at: number): number {
    return this.numbers[at]!
  }

  /** Where the names begin that have a greater number. */
  after(number: number): number {
    let low = 0
    let high = this.numbers.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.numbers[middle]! <= number) low = middle + 1
      else high = middle
    }
    return low
  }
}
