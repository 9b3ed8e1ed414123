import test from 'ava'
import { authorize, header, type RequestOptions } from '../support/sip.ts'
import { contactOf, Edge, incoming, registering, registrar, routes, type Account } from './edge.ts'

/** Sends from one port and listens at another, which its Via and its Contact say; it knows no rport. */
async function oneWay(edge: Edge) {
  const [sender, phone] = [await edge.client(), await edge.device()]
  const say = (text: string) => sender.send(text.replace(';rport', ''))
  const contact = `<sip:me@127.0.0.1:${phone.port}>`
  return {
    sender,
    phone,
    say: (method: string, options: RequestOptions) => say(phone.compose(method, { contact, ...options })),
  }
}

async function registerOneWay(device: Awaited<ReturnType<typeof oneWay>>, account: Account) {
  const call = { ...registering(account), callId: `via-${account.id}` }
  const since = device.phone.received.length
  device.say('REGISTER', { ...call, cseq: 1 })
  const challenge = await device.phone.message(({ status }) => status === 407, since)
  device.say('REGISTER', { ...call, cseq: 2, extra: [authorize(challenge, 'REGISTER', registrar, account)] })
  return device.phone.message(({ status }) => status >= 200 && status !== 407, since)
}

test('a device without rport is answered at the port of its Via and called at its Contact', async (t) => {
  const edge = await Edge.open(t)
  const [account, device] = [await edge.account(), await oneWay(edge)]
  t.is((await registerOneWay(device, account)).status, 200)
  const uri = `sip:${account.username}@${account.domain}`
  edge.asterisk.send(edge.asterisk.compose('INVITE', { uri, callId: 'one-way', cseq: 1, tag: 'a' }))
  const invite = await incoming(device.phone, 'INVITE')

  // its 200 comes from the other port, and the ACK goes to its Contact all the same
  const to = `${header(invite, 'to')};tag=b`
  const copied = ['via', 'record-route', 'from', 'call-id', 'cseq'].flatMap((name) =>
    (invite.headers.get(name) ?? []).map((value) => `${name}: ${value}`),
  )
  const contact = `Contact: <sip:me@127.0.0.1:${device.phone.port}>`
  device.sender.send(['SIP/2.0 200 OK', ...copied, `To: ${to}`, contact, 'Content-Length: 0', '', ''].join('\r\n'))
  const answer = await edge.asterisk.message(({ status }) => status === 200)
  const ack = { uri: contactOf(answer), to, callId: 'one-way', cseq: 1, tag: 'a', extra: routes(answer, true) }
  edge.asterisk.send(edge.asterisk.compose('ACK', ack))
  await incoming(device.phone, 'ACK')
  t.deepEqual(device.sender.received, [])
})

test('a caller without rport gets its answers at its Via and the BYE at its Contact', async (t) => {
  const edge = await Edge.open(t)
  const [account, device] = [await edge.account(), await oneWay(edge)]
  device.say('INVITE', { uri: account.direct })
  const invite = await incoming(edge.asterisk, 'INVITE')
  edge.asterisk.reply(invite, '200 OK')
  await device.phone.message(({ status }) => status === 200)
  const caller = { uri: contactOf(invite), to: header(invite, 'from'), callId: header(invite, 'call-id') }
  edge.asterisk.send(edge.asterisk.compose('BYE', { ...caller, extra: routes(invite, false) }))
  await incoming(device.phone, 'BYE')
  t.deepEqual(device.sender.received, [])
})

test('a caller without rport sends nothing of its call elsewhere by an alias of its own', async (t) => {
  const edge = await Edge.open(t)
  const [account, device, other] = [await edge.account(), await oneWay(edge), await edge.client()]
  for (const name of ['alias', 'ALIAS', '%61lias', 'al%49as']) {
    const since = edge.asterisk.received.length
    const contact = `<sip:me@127.0.0.1:${device.phone.port};${name}=127.0.0.1~${other.port}~1>`
    device.say('INVITE', { uri: account.direct, contact, callId: `alias-${name}` })
    const invite = await incoming(edge.asterisk, 'INVITE', since)
    edge.asterisk.reply(invite, '200 OK')
    // as Asterisk writes what it has read
    const uri = decodeURIComponent(contactOf(invite))
    const caller = { uri, to: header(invite, 'from'), callId: header(invite, 'call-id') }
    edge.asterisk.send(edge.asterisk.compose('BYE', { ...caller, extra: routes(invite, false) }))
    await device.sender.message(({ method }) => method === 'BYE', device.sender.received.length)
  }
  t.deepEqual(other.received, [])
})

test('with rport, and from behind a NAT, a device is answered where it sends from', async (t) => {
  const edge = await Edge.open(t)
  const device = await edge.client()
  for (const change of [
    (via: string) => via.replace(`:${device.port}`, ':5999'),
    (via: string) => via.replace('127.0.0.1', '192.0.2.7').replace(';rport', ''),
    (via: string) => via.replace('127.0.0.1', '192.0.2.7').replace(';rport', ';received=127.0.0.1;maddr=127.0.0.1'),
    (via: string) => via.replace('127.0.0.1', 'phone.example.com').replace(';rport', ''),
  ]) {
    const since = device.received.length
    const call = registering(await edge.account())
    device.send(device.compose('REGISTER', call).replace(/^Via: .*$/m, change))
    t.is((await device.message(({ status }) => status > 0, since)).status, 407)
  }
})
