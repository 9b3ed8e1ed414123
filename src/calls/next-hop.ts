import { lookup, Resolver, type SrvRecord } from 'node:dns'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import type { Web } from '../web.ts'
import type { SipAddress } from './sip-address.ts'

/** For everything together, in milliseconds: the caller hears nothing meanwhile. */
const patience = 2_000

type Transport = SipAddress['transport']

interface Place {
  host: string
  port: number
  transport: Transport
}

const services: Record<Transport, string> = { udp: '_sip._udp', tcp: '_sip._tcp', tls: '_sips._tcp' }

/**
 * Where a SIP address is, as `192.0.2.7:5060/udp` (RFC 3263 without NAPTR, which few publish); undefined: nowhere that a
 * customer may call. It is looked up here and handed on as an address, so it cannot be another one when Kamailio calls
 * it, and a name server that is slow holds none of its processes.
 */
export async function nextHop(web: Pick<Web, 'allows'>, address: SipAddress): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), patience)))
  return Promise.race([find(web, address), late]).finally(() => clearTimeout(timer))
}

async function find(web: Pick<Web, 'allows'>, address: SipAddress): Promise<string | undefined> {
  for (const { host, port, transport } of await placesOf(address)) {
    const found = (await addressesOf(host)).find((each) => web.allows(each))
    if (found) return `${isIP(found) === 6 ? `[${found}]` : found}:${port}/${transport}`
  }
  return undefined
}

async function placesOf({ host, port, transport, chosen }: SipAddress): Promise<Place[]> {
  const itself = { host, port: port ?? (transport === 'tls' ? 5061 : 5060), transport }
  if (port !== undefined || isIP(host)) return [itself]
  const transports: Transport[] = chosen ? [transport] : [transport, 'tcp']
  const found = await Promise.all(transports.map((each) => serversOf(host, each)))
  return [...found.flat(), itself]
}

/** The first two are tried: more would be a way to make us ask for long. */
async function serversOf(host: string, transport: Transport): Promise<Place[]> {
  const resolver = new Resolver({ timeout: patience / 2, tries: 1 })
  const records = await promisify<string, SrvRecord[]>(resolver.resolveSrv.bind(resolver))(
    `${services[transport]}.${host}`,
  ).catch(() => [])
  const sorted = records
    .filter(({ name }) => name !== '')
    .sort((a, b) => a.priority - b.priority || b.weight - a.weight)
  return sorted.slice(0, 2).map(({ name, port }) => ({ host: name, port, transport }))
}

async function addressesOf(host: string): Promise<string[]> {
  if (isIP(host)) return [host]
  const found = await promisify(lookup)(host, { all: true }).catch(() => [])
  return found.map(({ address }) => address)
}
