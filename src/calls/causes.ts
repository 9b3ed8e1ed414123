/** `hangup_reason` of a call, as the API shows it. */
export type HangupReason = '' | 'normal' | 'failed' | 'busy' | 'cancel' | 'timeout' | 'noanswer' | 'dialout' | 'amd'

/** Q.850 causes as SIP statuses, for a leg that ended without a SIP answer (RFC 3398, section 8.2.6.1). */
const sipOfCause: Record<number, number> = {
  1: 404,
  2: 404,
  3: 404,
  17: 486,
  18: 480,
  19: 480,
  20: 480,
  21: 603,
  22: 410,
  27: 502,
  28: 484,
  34: 503,
  38: 503,
  41: 503,
  42: 503,
  58: 488,
}

/**
 * The SIP status to refuse a caller with, when the leg that he wanted ended with Q.850 `cause` and perhaps with the SIP
 * status `techCause`: the device's own answer, where it is one that a caller can use.
 */
export function refusalStatus(cause: number, techCause: number | undefined): number {
  // 401 and 407 are meant for us, 408 and 487 speak of our own transaction: to the caller nobody took the call.
  const ours = techCause === 401 || techCause === 407 || techCause === 408 || techCause === 487
  if (techCause !== undefined && techCause >= 400 && techCause < 700 && !ours) return techCause
  return sipOfCause[ours ? 19 : cause] ?? 480
}

/** What the API says of a call that was refused with a SIP status. */
export function reasonOfStatus(status: number): HangupReason {
  if (status === 486 || status === 600 || status === 603) return 'busy'
  if (status === 408 || status === 480) return 'noanswer'
  return 'failed'
}
