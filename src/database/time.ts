let last = 0
/** The second that was written last, and how. A call asks for the time dozens of times. */
let second = -1
let written = ''

/**
 * This moment as RFC 3339 in UTC with microseconds. Never the same twice in one process, so that what was made later
 * also sorts later; a Date has milliseconds only.
 */
export function now(): string {
  last = Math.max(Date.now() * 1000, last + 1)
  const whole = Math.floor(last / 1_000_000)
  if (whole !== second) {
    second = whole
    written = new Date(whole * 1000).toISOString().slice(0, 20)
  }
  return `${written}${String(last - whole * 1_000_000).padStart(6, '0')}Z`
}

/** What the clock says in so many milliseconds, as rows have it; as `now` it is RFC 3339. */
export function fromNow(milliseconds: number): string {
  return fromSqlTime(toSqlTime(new Date(Date.now() + milliseconds)))
}

/** `2026-01-02 03:04:05.123456`, as the database writes a DATETIME(6), into `2026-01-02T03:04:05.123456Z`. */
export function fromSqlTime(text: string): string {
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20).padEnd(6, '0')}Z`
}

/** The other way round, for parameters of plain SQL (entities do it by themselves). MySQL refuses a `Z` at the end. */
export function toSqlTime(time: string | Date): string {
  const text = typeof time === 'string' ? time : time.toISOString()
  return text.replace('T', ' ').replace(/Z$/, '')
}
