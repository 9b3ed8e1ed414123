import { isIP } from 'node:net'
import Joi from 'joi'

/** The parts of a SIP URI that decide where a call goes. */
export interface SipAddress {
  scheme: 'sip' | 'sips'
  user: string
  /** In lower case, without a trailing dot and brackets. */
  host: string
  port: number | undefined
  transport: 'udp' | 'tcp' | 'tls'
  /** It says so itself. */
  chosen: boolean
  /** As it is called. */
  uri: string
}

// What somebody may write. No password, no header, and of the parameters only those that change no route: `maddr`, `lr`
// and the like would send a call somewhere else than its host says. A host has no escapes (RFC 3261, 25.1).
const shape = new RegExp(
  [
    /^(?<scheme>sips?):(?<user>(?:[\w.!~*'()&=+$,#-]|%[0-9a-f]{2}){1,128})/,
    /@(?<host>[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?|\[[0-9a-f:.]+\])(?::(?<port>\d{1,5}))?/,
    /(?<parameters>(?:;(?:transport=(?:udp|tcp|tls)|user=phone))*)$/,
  ]
    .map(({ source }) => source)
    .join(''),
  'i',
)

/** Undefined where it is none that can be called. */
export function parseSipAddress(text: string): SipAddress | undefined {
  const { scheme, user, host, port, parameters = '' } = shape.exec(text)?.groups ?? {}
  if (!scheme || !user || !host || text.length > 255 || Number(port ?? 1) > 65_535 || Number(port ?? 1) === 0) return
  const kind = scheme.toLowerCase() as SipAddress['scheme']
  const name = host.toLowerCase().replace(/^\[(.*)\]$|\.$/, '$1')
  if (host.startsWith('[') && isIP(name) !== 6) return
  const chosen = /;transport=(\w+)/i.exec(parameters)?.[1]?.toLowerCase() as SipAddress['transport'] | undefined
  const transport = chosen ?? (kind === 'sips' ? 'tls' : 'udp')
  const where = isIP(name) === 6 ? `[${name}]` : name
  const uri = `${kind}:${user}@${where}${port ? `:${port}` : ''}${parameters.toLowerCase()}`
  const isChosen = chosen !== undefined || kind === 'sips'
  return { scheme: kind, user, host: name, port: port ? Number(port) : undefined, transport, chosen: isChosen, uri }
}

export const sipUri = Joi.string()
  .max(255)
  .custom((text: string, helpers) => (parseSipAddress(text) ? text : helpers.error('sip.uri')))
  .messages({
    'sip.uri':
      '{{#label}} must be a SIP address, as sip:user@host, sip:user@host:5080 or sip:user@host;transport=tcp; nothing else may follow',
  })

/**
 * Whose is it? A customer's name is in the domain of its extensions and of its trunks: `own` and `foreign` are these of
 * this customer and of any other; `public` is where anyone may call, `outside` the world.
 */
export function placeOf(
  host: string,
  customerId: string,
  baseDomain: string,
): 'own' | 'foreign' | 'public' | 'outside' {
  if (host === `sip.${baseDomain}`) return 'public'
  if (['registrar', 'trunk'].some((kind) => host === `${customerId}.${kind}.${baseDomain}`)) return 'own'
  const inside = ['registrar', 'trunk'].some(
    (kind) => host === `${kind}.${baseDomain}` || host.endsWith(`.${kind}.${baseDomain}`),
  )
  return inside ? 'foreign' : 'outside'
}

/** What is wrong with a `sip` destination before anything is looked up; undefined: nothing. */
export function wrongAddress(target: string, customerId: string, baseDomain: string): string | undefined {
  const address = parseSipAddress(target)
  if (!address) return `${target.slice(0, 255)} is not a SIP address that can be called`
  if (placeOf(address.host, customerId, baseDomain) !== 'foreign') return undefined
  return `${address.uri} is not yours: what belongs to somebody else is called at its direct address`
}
