import { isIP } from 'node:net'

/** A range of addresses, as Kamailio looks for it: see trunk_addresses in sql/002-flows.sql. */
export interface Network {
  /** In its canonical form: `10.1.0.0/16`, and an address alone without a prefix. */
  network: string
  /** In upper case hex digits: 8 of IPv4, 32 of IPv6, which compare as the addresses do. */
  first_address: string
  last_address: string
}

/** An address or a network in CIDR form; undefined for anything else. Bits beyond the prefix do not count. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', prefix, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0 || address.includes('%')) return undefined
  const bits = family === 4 ? 32 : 128
  if (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || Number(prefix) > bits)) return undefined
  const length = BigInt(prefix ?? bits)
  const rest = (1n << (BigInt(bits) - length)) - 1n
  const first = (family === 4 ? valueOf4(address) : valueOf6(address)) & ~rest
  const hex = (value: bigint) =>
    value
      .toString(16)
      .toUpperCase()
      .padStart(bits / 4, '0')
  const written = family === 4 ? write4(first) : write6(first)
  return {
    network: length === BigInt(bits) ? written : `${written}/${length}`,
    first_address: hex(first),
    last_address: hex(first | rest),
  }
}

function valueOf4(address: string): bigint {
  return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
}

/** The URL parser knows all the ways to write IPv6, and writes them in one (RFC 5952). */
function valueOf6(address: string): bigint {
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const groups = (part: string): string[] => (part ? part.split(':') : [])
  const zeros = 8 - groups(head).length - groups(tail ?? '').length
  const all = [...groups(head), ...Array<string>(zeros).fill('0'), ...groups(tail ?? '')]
  return all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n)
}

function write4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
}

function write6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => (value >> BigInt(112 - 16 * index)) & 65_535n)
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]`).hostname.slice(1, -1)
}
