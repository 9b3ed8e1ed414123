import { createSocket } from 'node:dgram'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan } from './part.ts'
import { hashdialEnv } from './hashdial.ts'
import { kamailioDatabaseUrl } from './mysql.ts'
import { hostOf, type Listening } from './ports.ts'
import { giveTo, type Site } from './site.ts'

/** Our own edge: kamailio/kamailio.cfg as it is shipped. Its values come by environment, so that no secret is on a command line. */
export function kamailioPlan(site: Site): Plan {
  const { room, ports } = site
  const user = 'kamailio'
  return {
    name: 'kamailio',
    seconds: 30,
    listens: sockets(site),
    prepare() {
      writeKamailioFiles(site)
      giveTo(room, user, 'run/kamailio')
    },
    spawn: (options) => room.spawn('kamailio', kamailioArguments(site), { ...options, user, env: kamailioEnv(site) }),
    answers: () => answersOptions(ports.sip),
  }
}

export function kamailioEnv(site: Site): Record<string, string> {
  return {
    HASHDIAL_BASE: site.baseDomain,
    HASHDIAL_DB: kamailioDatabaseUrl(site),
    HASHDIAL_EDGE: site.name,
    HASHDIAL_DISPATCHER_LIST: '/stack/kamailio/dispatcher.list',
    HASHDIAL_TRUNK_SOCKET: `udp:${hostOf(site.address)}:${site.ports.sip}`,
    ...site.env,
    HASHDIAL_TRUNK_PRIVATE: trunkNetworks(hashdialEnv(site)),
  }
}

/** Where Hashdial takes trunks, Kamailio has to call them. */
function trunkNetworks({ HASHDIAL_FETCH_PRIVATE, HASHDIAL_TRUNK_PRIVATE }: Record<string, string>): string {
  return [HASHDIAL_FETCH_PRIVATE, HASHDIAL_TRUNK_PRIVATE].filter(Boolean).join()
}

function sockets({ address, ports }: Site): Listening[] {
  const addresses = [...new Set(['127.0.0.1', address])]
  return addresses.flatMap((ip) =>
    (['udp', 'tcp'] as const).map((transport) => ({ transport, address: ip, port: ports.sip })),
  )
}

export function kamailioArguments(site: Site): string[] {
  const listen = sockets(site).flatMap(({ transport, address, port }) => [
    '-l',
    `${transport}:${hostOf(address)}:${port}`,
  ])
  // The megabytes of a process's own memory: the default of 8 is nearly used up by the configuration.
  return ['-f', '/hashdial/kamailio/kamailio.cfg', '-DD', '-E', '-M', '32', '-w', '/tmp', ...listen]
}

export function writeKamailioFiles({ room, ports, moreAsterisks = [] }: Site): void {
  mkdirSync(join(room.folder, 'kamailio'), { recursive: true })
  const lines = [ports.asteriskSip, ...moreAsterisks].map((port) => `1 sip:127.0.0.1:${port}\n`)
  writeFileSync(join(room.folder, 'kamailio/dispatcher.list'), lines.join(''))
}

/** A SIP OPTIONS to the edge itself, and any final answer to it. */
export function answersOptions(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const finish = (answered: boolean) => {
      clearTimeout(timer)
      socket.close()
      resolve(answered)
    }
    const timer = setTimeout(finish, 500, false)
    socket.on('error', () => finish(false)) // nothing listens there yet
    socket.on('message', (message) => finish(/^SIP\/2\.0 [2-6]/.test(message.toString())))
    socket.bind(0, '127.0.0.1', () => {
      socket.connect(port, '127.0.0.1', () => socket.send(options(port, socket.address().port)))
    })
  })
}

function options(port: number, from: number): string {
  const id = Math.random().toString(36).slice(2)
  return [
    `OPTIONS sip:127.0.0.1:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${from};branch=z9hG4bK${id};rport`,
    'Max-Forwards: 70',
    `From: <sip:stack@127.0.0.1:${from}>;tag=${id}`,
    `To: <sip:127.0.0.1:${port}>`,
    `Call-ID: ${id}`,
    'CSeq: 1 OPTIONS',
    `Contact: <sip:stack@127.0.0.1:${from}>`,
    'User-Agent: Hashdial stack',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n')
}
