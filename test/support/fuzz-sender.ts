import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket as TcpSocket } from 'node:net'
import { answersOptions } from '../../src/stack/kamailio.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { fuzzCase } from './fuzz.ts'
import type { FuzzTarget } from './fuzz-messages.ts'

type Answers = Map<string, number>

/** After so many cases Kamailio has to show that it lives: close enough to say which of them ended it. */
const roundCases = 50

/**
 * Sends cases `from` to `to` of the seed, one in four by TCP, from many addresses (so that no limit of one source spares
 * the edge), and asks for a sign of life after each round. Throws when there is none, naming the round.
 * Returns how many answers there were of each status.
 */
export async function sendFuzz(target: FuzzTarget, seed: number, from: number, to: number): Promise<Answers> {
  const answers: Answers = new Map()
  const count = (bytes: Buffer) => {
    const status = /^SIP\/2\.0 (\d{3}) /i.exec(bytes.toString('latin1'))?.[1]
    if (status) answers.set(status, (answers.get(status) ?? 0) + 1)
  }
  const sockets = await Promise.all(Array.from({ length: 64 }, (_, n) => udpFrom(address(n), count)))
  try {
    for (let first = from; first < to; first += roundCases) {
      const last = Math.min(first + roundCases, to)
      const connections: TcpSocket[] = []
      for (let index = first; index < last; index++) {
        const bytes = fuzzCase(seed, index, target)
        if (index % 4 === 3) connections.push(overTcp(target.port, address(index), bytes, count))
        else sockets[index % sockets.length]!.send(bytes, target.port, '127.0.0.1')
      }
      const lives = await becomesTrue(5_000, () => answersOptions(target.port))
      for (const connection of connections) connection.destroy()
      if (!lives) throw new Error(`no answer to OPTIONS after the cases ${first} to ${last - 1} of seed ${seed}`)
    }
    return answers
  } finally {
    for (const socket of sockets) socket.close()
  }
}

const address = (n: number): string => `127.0.${1 + (n % 8)}.${1 + (n % 64)}`

async function udpFrom(address: string, onAnswer: (bytes: Buffer) => void): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, address)
  socket.on('message', onAnswer)
  socket.on('error', () => undefined)
  await once(socket, 'listening')
  return socket
}

function overTcp(port: number, localAddress: string, bytes: Buffer, onAnswer: (bytes: Buffer) => void): TcpSocket {
  const socket = connect({ port, host: '127.0.0.1', localAddress }, () => socket.write(bytes))
  socket.on('error', () => undefined) // it may close what it cannot read
  socket.on('data', onAnswer)
  return socket
}

/** The processes that this one has started: when one of Kamailio’s dies, all do. */
export function childrenOf(pid: number): string {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
}
