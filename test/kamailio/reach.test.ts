import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { authorize, header, parseSip, type RequestOptions, type SipClient } from '../support/sip.ts'
import { Edge, incoming, register, registering, registrar, routes, tagOf, type Account } from './edge.ts'

const invite = (edge: Edge, { username, domain }: Account) =>
  edge.asterisk.request('INVITE', { uri: `sip:${username}@${domain}` }, 8_000)
const requests = (client: SipClient, since: number): string[] =>
  client.received
    .slice(since)
    .filter(({ method }) => method !== '')
    .map(({ start }) => start)
/** What a device says that wants its calls, and the probes, to go to `host`. */
const lures = (host: string, flow: string): Partial<RequestOptions>[] => [
  { extra: [`Path: <sip:flow.${flow}@${host};lr>`, 'Supported: path'] },
  { extra: [`Path: <sip:127.0.0.99;lr>, <sip:flow.${flow}@${host};lr>`, 'Supported: path'] },
  { contact: `<sip:flow.${flow}@${host}>` },
  { contact: `<sip:flow.${flow}@${host};transport=udp>` },
  { contact: `<sip:flow.${flow}@127.0.0.8;maddr=${host.split(':')[0]};alias=${host.replace(':', '~')}~1>` },
]

test('a device is reached where its registration came from, whatever its Contact and its Path say', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_PROBE_SECONDS: '1' } })
  const [stranger, flow] = [await edge.client('127.0.0.66'), '0123']
  const hosts = [`127.0.0.1:${edge.asterisk.port}`, `127.0.0.1:${edge.port}`, `localhost:${stranger.port}`]
  for (const host of [...hosts, `127.0.0.66:${stranger.port}`]) {
    for (const lure of lures(host, flow)) {
      const [account, device] = [await edge.account(), await edge.device('127.0.0.8')]
      const since = edge.asterisk.received.length
      t.is((await register(device, account, lure)).status, 200)
      const answered = invite(edge, account)
      device.reply(await incoming(device, 'INVITE'), '486 Busy Here')
      t.is((await answered).status, 486)
      t.deepEqual(
        requests(edge.asterisk, since).filter((start) => start.includes(flow)),
        [],
        JSON.stringify(lure),
      )
      await edge.rows('DELETE FROM registrations WHERE extension_id = ?', account.id)
    }
  }
  t.deepEqual(requests(stranger, 0), [])
})

test('a device without rport at the edge’s own address reaches neither the edge nor an Asterisk by its Contact', async (t) => {
  const edge = await Edge.open(t)
  for (const port of [edge.port, edge.asterisk.port]) {
    const [account, device] = [await edge.account(), await edge.device()]
    const send = async (cseq: number, extra: string[] = []) => {
      const since = device.received.length
      const contact = `<sip:flow.0123@127.0.0.1:${port}>`
      const call = { ...registering(account), callId: `near-${account.id}`, contact, cseq, extra }
      device.send(device.compose('REGISTER', call).replace(';rport', ''))
      return device.message(({ status }) => status > 0, since)
    }
    const challenge = await send(1)
    t.is((await send(2, [authorize(challenge, 'REGISTER', registrar, account)])).status, 200)
    const answered = invite(edge, account)
    device.reply(await incoming(device, 'INVITE'), '486 Busy Here')
    t.is((await answered).status, 486)
  }
})

/** SIP over a connection of its own. */
async function overTcp(edge: Edge, address: string) {
  const socket: Socket = connect({ port: edge.port, host: '127.0.0.1', localAddress: address })
  edge.t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  const words = await edge.client(address)
  const ask = async (options: RequestOptions) => {
    socket.write(words.compose('REGISTER', options).replace('SIP/2.0/UDP', 'SIP/2.0/TCP'))
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    return parseSip(chunk.toString())
  }
  return {
    socket,
    async register(account: Account, options: Partial<RequestOptions>) {
      const call = { ...registering(account), callId: `tcp-${account.id}`, ...options }
      const challenge = await ask({ ...call, cseq: 1 })
      const extra = [...(options.extra ?? []), authorize(challenge, 'REGISTER', registrar, account)]
      return ask({ ...call, cseq: 2, extra })
    },
  }
}

test('a device of a closed TCP connection is called at its Contact only where it registered from', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_PROBE_SECONDS: '1' } })
  const since = edge.asterisk.received.length
  for (const host of [
    `127.0.0.1:${edge.asterisk.port}`,
    `127.0.0.1:${edge.port}`,
    'localhost',
    '127.0.0.8;maddr=127.0.0.1',
  ]) {
    const account = await edge.account()
    const device = await overTcp(edge, '127.0.0.8')
    const contact = `<sip:flow.0123@${host};transport=tcp>`
    t.is((await device.register(account, { contact })).status, 200)
    device.socket.destroy()
    const gone = await becomesTrue(5_000, async () => (await invite(edge, account)).status === 480)
    t.true(gone, host)
  }
  t.deepEqual(
    requests(edge.asterisk, since).filter((start) => start.includes('0123')),
    [],
  )
})

test('a Path is followed for a listed proxy only, along listed proxies only', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_PATH_PROXIES: '127.0.0.3,127.0.4.0/24' } })
  const [listed, other] = [await edge.device('127.0.0.3'), await edge.device('127.0.0.5')]
  const path = (...hosts: string[]) => ({
    extra: [`Path: ${hosts.map((host) => `<sip:${host};lr>`).join(', ')}`, 'Supported: path'],
  })
  const own = `127.0.0.3:${listed.port}`
  for (const hosts of [
    [`127.0.0.1:${edge.asterisk.port}`],
    [own, `127.0.0.1:${edge.port}`],
    [own, 'localhost'],
    [own, '127.0.0.5'],
    ['x@localhost'],
  ])
    t.is((await register(listed, await edge.account(), path(...hosts))).status, 400, hosts.join())

  const account = await edge.account()
  const answer = await register(listed, account, path(own, '127.0.4.9'))
  t.is(answer.status, 200)
  t.is(header(answer, 'path'), `<sip:${own};lr>, <sip:127.0.4.9;lr>`)
  const called = invite(edge, account)
  listed.reply(await incoming(listed, 'INVITE'), '486 Busy Here')
  t.is((await called).status, 486)

  const unlisted = await edge.account()
  const ignored = await register(other, unlisted, path(own))
  t.is(ignored.status, 200)
  t.is(header(ignored, 'path'), '')
  const direct = invite(edge, unlisted)
  other.reply(await incoming(other, 'INVITE'), '486 Busy Here')
  t.is((await direct).status, 486)
})

test('a row with a Path that is not, or no longer, on the list is not followed', async (t) => {
  const edge = await Edge.open(t)
  const [account, device] = [await edge.account(), await edge.device()]
  await register(device, account)
  const path = `<sip:flow.0123@127.0.0.1:${edge.asterisk.port};lr>`
  await edge.rows('UPDATE registrations SET path = ? WHERE extension_id = ?', path, account.id)
  const since = edge.asterisk.received.length
  t.is((await invite(edge, account)).status, 480)
  t.deepEqual(
    requests(edge.asterisk, since).filter((start) => start.startsWith('INVITE')),
    [],
  )
})

test('what a device sends back to the edge is a stranger’s', async (t) => {
  const edge = await Edge.open(t)
  const [account, victim, device] = [await edge.account(), await edge.account(), await edge.device()]
  await register(device, account)
  const called = invite(edge, account)
  const received = await incoming(device, 'INVITE')
  for (const uri of [
    `sip:flow.0123@sip.hashdial.test`,
    `sip:extension.${victim.id}@sip.hashdial.test`,
    `sip:${victim.username}@${victim.domain}`,
    `sip:flow.0123@127.0.0.1:${edge.asterisk.port}`,
  ]) {
    const { status } = await device.request('INVITE', { uri, extra: ['X-Hashdial-Call: 1'] })
    t.true([404, 407].includes(status), `${uri}: ${status}`)
  }
  device.reply(received, '486 Busy Here')
  t.is((await called).status, 486)
})

test('in a call a party is reached where its packets come from, whatever alias its Contact had', async (t) => {
  const edge = await Edge.open(t)
  const [account, caller] = [await edge.account(), await edge.client('127.0.0.8')]
  const stranger = await edge.client('127.0.0.66')
  const contact = `<sip:me@127.0.0.8:${caller.port};alias=127.0.0.66~${stranger.port}~1>`
  caller.send(caller.compose('INVITE', { uri: account.direct, contact }))
  const call = await incoming(edge.asterisk, 'INVITE')
  edge.asterisk.reply(call, '200 OK')
  await caller.message(({ status }) => status === 200)
  const target = /<([^>]+)>/.exec(header(call, 'contact'))![1]!
  const bye = edge.asterisk.compose('BYE', {
    ...{ uri: target, from: '<sip:x@sip.hashdial.test>', callId: header(call, 'call-id') },
    to: `${header(call, 'from').split(';tag=')[0]};tag=${tagOf(call, 'from')}`,
    extra: routes(call, false),
  })
  edge.asterisk.send(bye)
  await incoming(caller, 'BYE')
  t.deepEqual(stranger.received, [])
})
