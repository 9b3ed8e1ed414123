import { lookup, resolveSrv } from 'node:dns/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { isIP } from 'node:net'

/** So long names are looked for, in milliseconds. */
const patience = 2_000
/** More servers of one name are not looked at. */
const mostServers = 10

/** Which addresses may be reached. */
export interface Allowed {
  allows(address: string): boolean
}

/** The IPv4 address that a host is, however it is spelled: 0x7f.1, 2130706433, 0177.0.0.1. Undefined: it is a name. */
export function spelledAddress(host: string): string | undefined {
  const url = `http://${host}/`
  const { hostname } = URL.canParse(url) ? new URL(url) : { hostname: host }
  return isIP(hostname) === 4 ? hostname : undefined
}

/** Is this IPv4 address, or is any address of this name, one that must not be reached? */
export async function isOutOfReach(host: string, where: Allowed): Promise<boolean> {
  const address = spelledAddress(host)
  if (address) return !where.allows(address)
  // What has only digits in its last label and is no address is no name either (WHATWG URL, "ends in a number").
  if (!URL.canParse(`http://${host}/`)) return true
  // RFC 6761: always this machine, whatever a resolver says.
  if (/(^|\.)localhost$/.test(host) && !where.allows('127.0.0.1')) return true
  const addresses = await Promise.race([addressesOf(host), delay(patience, [], { ref: false })])
  // A name without a dot is one of our own network, such as a container's: nobody is told whether it exists.
  if (!host.includes('.') && addresses.length === 0) return true
  return !addresses.every((one) => where.allows(one))
}

/** All that a SIP proxy may find for the name (RFC 3263): its own, and those of the servers it names. */
async function addressesOf(name: string): Promise<string[]> {
  const services = ['_sip._udp', '_sip._tcp', '_sips._tcp'].map((service) => resolveSrv(`${service}.${name}`))
  const found = await Promise.allSettled(services)
  const servers = found.flatMap((one) => (one.status === 'fulfilled' ? one.value.map((record) => record.name) : []))
  const names = [name, ...servers.slice(0, mostServers)]
  const all = await Promise.allSettled(names.map((one) => lookup(one, { all: true })))
  return all.flatMap((one) => (one.status === 'fulfilled' ? one.value.map(({ address }) => address) : []))
}
