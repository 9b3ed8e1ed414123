import { BlockList, isIP } from 'node:net'

export function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const six = isIP(address) === 6
    list.addSubnet(address, Number(prefix ?? (six ? 128 : 32)), six ? 'ipv6' : 'ipv4')
  }
  return list
}

/** The special-purpose registries of IANA (RFC 6890). Of IPv6 only 2000::/3 is given to anyone; these are parts of it. */
const special = listOf([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
])
const global = listOf(['2000::/3'])

export function isPublic(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !special.check(address, 'ipv4')
  return family === 6 && global.check(address, 'ipv6') && !special.check(address, 'ipv6')
}
