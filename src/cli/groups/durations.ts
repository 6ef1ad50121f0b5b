// Points in time and lengths of time as people write them: ISO 8601.
// Promises UsageError naming the option and the right form. Leaves what they are used for to reset-offsets.
import { UsageError } from '../failure.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const duration = /^(-)?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$/i

/** Milliseconds of `P1DT2H30M`, `PT90S`, `P2W`. Years and months, which have no fixed length, are not taken. */
export function parseDuration(option: string): (text: string) => number {
  return (text) => {
    const found = duration.exec(text.trim())
    const [weeks, days, hours, minutes, seconds] = (found?.slice(2) ?? []).map((part) =>
      part === undefined ? undefined : Number(part.replace(',', '.')),
    )
    const parts = [weeks, days, hours, minutes, seconds]
    if (found === null || parts.every((part) => part === undefined)) {
      throw new UsageError(
        `${option} ${text}: expected an ISO 8601 duration of weeks, days, hours, minutes and seconds, such as PT1H30M or P7D`,
      )
    }
    const lengths = [7 * DAY_MS, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS]
    const ms = Math.round(parts.reduce<number>((sum, part, at) => sum + (part ?? 0) * lengths[at]!, 0))
    return found[1] === '-' ? -ms : ms
  }
}

const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/i
const isDateOnly = /^\d{4}-\d\d-\d\d$/

/** Milliseconds since 1970 of `2026-01-31T12:00:00.000`; UTC when no zone is given, as Kafka's tools have it. */
export function parseDateTime(option: string): (text: string) => number {
  return (text) => {
    const given = text.trim()
    const ms = /^\d{4}-/.test(given)
      ? Date.parse(hasZone.test(given) || isDateOnly.test(given) ? given : `${given}Z`)
      : Number.NaN
    if (Number.isSafeInteger(ms) && ms >= 0) return ms
    throw new UsageError(
      `${option} ${text}: expected ISO 8601, such as 2026-01-31T12:00:00.000 (UTC) or 2026-01-31T12:00:00+02:00`,
    )
  }
}
