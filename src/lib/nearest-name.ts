// What was probably meant by a name that is not known.
// Promises no guess that is far off. Leaves telling it to its callers.

/** The known name that `name` was probably meant to be: at most a third of its letters differ. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined
  let least = Math.floor(name.length / 3) + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= least) continue
    const distance = editDistance(name, candidate)
    if (distance < least) {
      least = distance
      nearest = candidate
    }
  }
  return nearest
}

/** Levenshtein distance: insertions, removals and replacements of one letter. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let at = 1; at <= to.length; at++) {
      const replaced = previous[at - 1]! + (from[row - 1] === to[at - 1] ? 0 : 1)
      current.push(Math.min(replaced, previous[at]! + 1, current[at - 1]! + 1))
    }
    previous = current
  }
  return previous[to.length]!
}
