import { once } from 'node:events'
import { connect } from 'node:net'
import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { Edge, incoming, register } from './edge.ts'

/** The first line of the final answer; empty when the connection was closed without one. */
async function overTcp(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let received = ''
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
  socket.on('error', () => undefined)
  socket.write(text)
  const final = () => /^SIP\/2\.0 [2-6].*$/m.exec(received)?.[0]
  await becomesTrue(5_000, () => final() !== undefined || socket.closed)
  socket.destroy()
  return final()?.trim() ?? ''
}

test('a long message is carried, a longer one is 513', async (t) => {
  const edge = await Edge.open(t)
  const [client, { direct }] = [await edge.client(), await edge.account()]
  const candidate = 'a=candidate:1 1 UDP 2130706431 192.0.2.1 10000 typ host\r\n'
  const invite = (bytes: number) =>
    client.compose('INVITE', { uri: direct, body: `v=0\r\n${candidate.repeat(bytes / candidate.length)}` })

  for (const bytes of [18_000, 31_000]) {
    const since = edge.asterisk.received.length
    const answered = overTcp(edge.port, invite(bytes).replace('/UDP', '/TCP'))
    const arrived = await incoming(edge.asterisk, 'INVITE', since)
    t.true(arrived.text.length > bytes)
    edge.asterisk.reply(arrived, '486 Busy Here')
    t.is(await answered, 'SIP/2.0 486 Busy Here')
  }
  t.is(await overTcp(edge.port, invite(34_000).replace('/UDP', '/TCP')), 'SIP/2.0 513 Message Too Large')
  t.is(await overTcp(edge.port, invite(63_000).replace('/UDP', '/TCP')), 'SIP/2.0 513 Message Too Large')
  client.send(invite(40_000))
  t.is((await client.message(({ status }) => status >= 200)).status, 513)
  // no buffer holds it, so nobody can answer it
  t.is(await overTcp(edge.port, invite(200_000).replace('/UDP', '/TCP')), '')
  t.is((await client.request('OPTIONS', { uri: direct })).status, 200)
})

test('by TCP Content-Length is needed once', async (t) => {
  const edge = await Edge.open(t)
  const [client, { direct }] = [await edge.client(), await edge.account()]
  const options = client.compose('OPTIONS', { uri: direct }).replace('/UDP', '/TCP')
  t.is(await overTcp(edge.port, options), 'SIP/2.0 200 OK')
  const length = 'Content-Length: 0\r\n'
  t.regex(await overTcp(edge.port, options.replace(length, '')), /^SIP\/2\.0 400 /)
  t.regex(await overTcp(edge.port, options.replace(length, length + length)), /^SIP\/2\.0 400 /)
  t.regex(await overTcp(edge.port, options.replace(length, 'Content-Length: -5\r\n')), /^SIP\/2\.0 400 /)
})

test('what strangers send writes no message into the log, and few lines', async (t) => {
  const edge = await Edge.open(t)
  const [client, account] = [await edge.client(), await edge.account()]
  const logged = edge.kamailio.log.length
  // a device whose connection is gone, so that its probe is refused
  await register(await edge.device(), account)
  await edge.rows(
    `UPDATE registrations SET transport = 'tcp', tm_probe = NULL, received = 'sip:127.0.0.1:9;transport=tcp',
 contact = 'sip:secret@127.0.0.1:9;transport=tcp', socket = ? WHERE extension_id = ?`,
    ...[`tcp:127.0.0.1:${edge.port}`, account.id],
  )
  const options = client.compose('OPTIONS', { uri: account.direct, extra: ['Subject: secret'] })
  for (let n = 0; n < 50; n++) {
    client.send(options.replace(/^To: /m, 'To: "secret '))
    client.send(options.replace(/^Via: /m, 'Via: secret '))
    client.send(options.replace(account.direct, 'tel:+1555secret'))
    client.socket.send(
      Buffer.from(options.replace(/^From: /m, 'From: "secret\xff" '), 'latin1'),
      edge.port,
      '127.0.0.1',
    )
    client.send(`GET /secret HTTP/1.1\r\nHost: ${'secret'.repeat(100)}\r\n\r\n`)
  }
  await overTcp(edge.port, 'GET /secret HTTP/1.1\r\nHost: secret\r\nContent-Length: secret\r\n\r\n')
  const probed = async () => (await edge.registration(account))?.tm_probe !== null
  t.true(await becomesTrue(5_000, probed))
  t.is((await client.request('OPTIONS', { uri: account.direct })).status, 200)
  const log = edge.kamailio.log.slice(logged)
  t.notRegex(log, /secret/)
  t.true(log.length < 1_000, log)
  t.regex(log, /malformed message from 127\.0\.0\.1:\d+ \(udp, \d+ bytes\)/)
})

test('connections that are refused, since their source has too many, write nothing into the log', async (t) => {
  // each has a buffer of 64 kB
  const edge = await Edge.open(t, { env: { HASHDIAL_SHM_MB: '128' } })
  const logged = edge.kamailio.log.length
  const sockets = Array.from({ length: 1_200 }, () => connect(edge.port, '127.0.0.1').on('error', () => undefined))
  t.teardown(() => sockets.forEach((socket) => socket.destroy()))
  t.true(await becomesTrue(10_000, () => sockets.filter(({ closed }) => closed).length >= 100))
  t.notRegex(edge.kamailio.log.slice(logged), /(WARNING|ERROR|CRITICAL|ALERT): /)
})

test('Kamailio starts without an error or a warning in its log', async (t) => {
  const edge = await Edge.open(t)
  t.notRegex(edge.kamailio.log, /WARNING|ERROR|CRITICAL/)
})

test('a response that answers nothing of ours is forwarded to nobody', async (t) => {
  const edge = await Edge.open(t)
  const [client, victim] = [await edge.client(), await edge.client()]
  const { direct } = await edge.account()
  for (const branch of ['z9hG4bKcydzigwkX', 'z9hG4bK8d39.f0578817000000000000000000000000.0']) {
    client.send(
      [
        'SIP/2.0 200 OK',
        `Via: SIP/2.0/UDP 127.0.0.1:${edge.port};branch=${branch};i=1`,
        `Via: SIP/2.0/UDP 127.0.0.1:${victim.port};branch=z9hG4bK1;rport=${victim.port};received=127.0.0.1`,
        ...[
          `From: <${direct}>;tag=1`,
          `To: <${direct}>;tag=2`,
          'Call-ID: 1',
          'CSeq: 1 OPTIONS',
          'Content-Length: 0',
          '\r\n',
        ],
      ].join('\r\n'),
    )
  }
  t.is((await client.request('OPTIONS', { uri: direct })).status, 200)
  t.deepEqual(victim.received, [])
})
