/** Asterisk needs a moment to tell of a new channel; younger ones are left alone. */
const youngMs = 5_000

export const isYoung = (time: string): boolean => Date.now() - Date.parse(time) < youngMs
