/**
 * What Kamailio is told of each leg that we make (kamailio/hashdial-leg.cfg): whose it is, which resources the call has
 * come through, how many proxies may still follow, and where an address outside is.
 */
export interface Trail {
  /** The ids of the resources that the call has come through, its own the last. */
  via: readonly string[]
  /** The Max-Forwards that it came with. */
  forwards: number
  /** The domain of who calls; undefined: of nobody in particular. */
  domain: string | undefined
}

/** Of a call that begins with us. (RFC 3261, 8.1.1.6: 70 is what a request begins with.) */
export const newTrail: Trail = { via: [], forwards: 70, domain: undefined }

const valueOf = (text: string, name: string): string => new RegExp(`(?:^|;)${name}=([^;]*)`).exec(text)?.[1] ?? ''

/** The number that an extension has dialled: `…;number=+4930123456`; '': it has dialled none. */
export function numberOf(text: string): string {
  return valueOf(text, 'number')
}

/** What Kamailio says of a call that comes in: `from=<domain>;forwards=<n>;via=<id>/<id>`. */
export function trailOf(text: string, resourceId: string): Trail {
  const value = (name: string) => valueOf(text, name)
  const via = value('via').split('/').filter(Boolean)
  const forwards = /^\d{1,3}$/.test(value('forwards')) ? Number(value('forwards')) : newTrail.forwards
  return { via: [...via, resourceId], forwards, domain: value('from') || undefined }
}

/**
 * The Max-Forwards of what follows. A call costs more of it than a proxy does, so that one which goes round by way of
 * somebody who takes our header out ends after a dozen rounds; a caller who has few left is not cut off for that.
 */
function fewer(forwards: number): number {
  return forwards > 12 ? forwards - 6 : Math.min(6, forwards - 1)
}

/** The channel variables that make a leg carry it. */
export function stamp(customerId: string, { via, forwards }: Trail, next?: string): Record<string, string> {
  const parts = [`customer=${customerId}`, `forwards=${Math.max(0, fewer(forwards))}`]
  if (via.length > 0) parts.push(`via=${via.join('/')}`)
  if (next) parts.push(`next=${next}`)
  return { 'PJSIP_HEADER(add,Hashdial-Leg)': parts.join(';') }
}

/** The one that makes its From have this domain (res_pjsip_session.c). */
export function fromDomain(domain: string): Record<string, string> {
  return { SIPFROMDOMAIN: domain.replace(/^\[(.*)\]$/, '$1') }
}
