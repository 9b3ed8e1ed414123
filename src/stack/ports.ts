import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { StackError } from './shell.ts'

/** Where a part listens. */
export interface Listening {
  transport: 'udp' | 'tcp'
  address: string
  port: number
}

/** An IPv6 address as it stands before a port. */
export const hostOf = (address: string): string => (address.includes(':') ? `[${address}]` : address)

/** Throws when somebody else listens there already, and says who. */
export async function refuseTaken(wanted: readonly Listening[]): Promise<void> {
  const problems: string[] = []
  for (const one of wanted) if (await isTaken(one)) problems.push(taken(one))
  if (problems.length > 0) throw new StackError(`${problems.join('; ')}. Nothing was started`)
}

function taken({ transport, address, port }: Listening): string {
  const holder = holderOf(transport, port)
  return `port ${port} (${transport.toUpperCase()}, ${address}) is taken${holder ? ` by ${holder}` : ''}`
}

async function isTaken({ transport, address, port }: Listening): Promise<boolean> {
  const socket = transport === 'udp' ? createSocket(address.includes(':') ? 'udp6' : 'udp4') : createServer()
  const listening = once(socket, 'listening')
  if ('bind' in socket) socket.bind({ port, address, exclusive: true })
  else socket.listen({ port, host: address, exclusive: true })
  try {
    await listening
    socket.close()
    return false
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return true
    throw error
  }
}

/** `kamailio, process 4711`: the sockets of proc_net(5) have inodes, which are found among the open files of the processes. */
function holderOf(transport: string, port: number): string | undefined {
  const inodes = new Set(['', '6'].flatMap((version) => inodesAt(`/proc/net/${transport}${version}`, port)))
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const pid = pids.find((candidate) => openFiles(candidate).some((file) => inodes.has(file)))
  const [name] = unlessGone(() => [readFileSync(`/proc/${pid}/comm`, 'utf8').trim()])
  return name && `${name}, process ${pid}`
}

/** As `socket:[4711]`. TCP has connections there too: state 0A is one that listens, and 07 one of UDP. */
function inodesAt(table: string, port: number): string[] {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync(table, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address = '', , state = '']) => address.endsWith(local) && (state === '0A' || state === '07'))
    .map((fields) => `socket:[${fields[9]}]`)
}

function openFiles(pid: string): string[] {
  return unlessGone(() => readdirSync(`/proc/${pid}/fd`)).flatMap((fd) =>
    unlessGone(() => [readlinkSync(`/proc/${pid}/fd/${fd}`)]),
  )
}

/** Processes end and files are closed while one looks. */
function unlessGone(look: () => string[]): string[] {
  try {
    return look()
  } catch {
    return []
  }
}
