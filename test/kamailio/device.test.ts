import { connect } from 'node:net'
import { once } from 'node:events'
import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { authorize, header, parseSip } from '../support/sip.ts'
import { Edge, incoming, register, registering, registrar } from './edge.ts'

test('a second device is refused while the first answers, and takes over when it is silent', async (t) => {
  const edge = await Edge.open(t)
  const account = await edge.account()
  const [first, second] = [await edge.device(), await edge.client()]
  t.is((await register(first, account)).status, 200)
  const refused = await register(second, account)
  t.is(refused.start, 'SIP/2.0 403 Extension Already Registered')
  const recorded = await becomesTrue(3_000, async () => {
    const [failure] = await edge.rows('SELECT reason FROM registration_failures WHERE extension_id = ?', account.id)
    return failure?.reason === 'already_registered'
  })
  t.true(recorded)

  first.socket.removeAllListeners('message')
  const began = Date.now()
  t.is((await register(second, account)).status, 200)
  t.true(Date.now() - began < 2_000)
  t.is((await edge.registration(account))?.received, `sip:127.0.0.1:${second.port};transport=udp`)
})

test('the same device replaces its contact at once: same instance, or same Call-ID', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_PROBE_BATCH: '0' } })
  const account = await edge.account()
  const [before, after, moved] = [await edge.device(), await edge.device(), await edge.device()]
  const instance = ';+sip.instance="<urn:uuid:11111111-2222-4333-8444-555555555555>"'
  const contact = (port: number) => `<sip:me@127.0.0.1:${port}>${instance}`
  t.is((await register(before, account, { contact: contact(before.port) })).status, 200)
  t.is((await register(after, account, { contact: contact(after.port), callId: 'kept' })).status, 200)
  t.is((await register(moved, account, { callId: 'kept' })).status, 200)
  t.is((await edge.registration(account))?.contact, `sip:client@127.0.0.1:${moved.port}`)
  t.is(after.received.filter(({ method }) => method === 'OPTIONS').length, 0)
})

test('of two devices that register at the same time exactly one wins', async (t) => {
  const edge = await Edge.open(t)
  for (let round = 0; round < 10; round++) {
    const account = await edge.account()
    const devices = [await edge.client(), await edge.client()]
    const challenges = await Promise.all(devices.map((device) => device.request('REGISTER', registering(account))))
    const answers = await Promise.all(
      devices.map((device, n) => {
        const extra = [authorize(challenges[n]!, 'REGISTER', registrar, account)]
        return device.request('REGISTER', { ...registering(account), extra })
      }),
    )
    t.deepEqual(answers.map(({ status }) => status).sort(), [200, 403])
    const winner = devices[answers.findIndex(({ status }) => status === 200)]!
    t.is((await edge.registration(account))?.contact, `sip:client@127.0.0.1:${winner.port}`)
  }
})

test('a device is probed: its answer and its distance are stored, and its silence shows', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_PROBE_SECONDS: '2' } })
  const account = await edge.account()
  const device = await edge.device()
  await register(device, account)
  const answered = await becomesTrue(6_000, async () => (await edge.registration(account))?.rtt_ms !== null)
  t.true(answered)
  t.true((await edge.registration(account))!.rtt_ms < 1_000)
  device.socket.removeAllListeners('message')
  const silent = await becomesTrue(10_000, async () => {
    const { tm_probe: probe, tm_answer: answer } = (await edge.registration(account))!
    return probe > answer && Date.parse(probe) - Date.parse(answer) > 2_000
  })
  t.true(silent)
})

test('a device that says a private address is called where its packets come from', async (t) => {
  const edge = await Edge.open(t)
  const account = await edge.account()
  const device = await edge.device('127.0.0.7')
  await register(device, account, { contact: '<sip:me@192.168.77.7:5555>' })
  edge.asterisk.send(edge.asterisk.compose('INVITE', { uri: `sip:${account.username}@${account.domain}` }))
  const invite = await incoming(device, 'INVITE')
  t.regex(invite.start, /^INVITE sip:me@192\.168\.77\.7:5555 /)
  device.reply(invite, '200 OK')
  const answer = await edge.asterisk.message(({ status }) => status === 200)
  t.regex(header(answer, 'contact'), /alias=|127\.0\.0\.7/)
})

test('a device registers over TCP and is called over its connection', async (t) => {
  const edge = await Edge.open(t)
  const [account, words] = [await edge.account(), await edge.client()]
  const socket = connect(edge.port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  const say = (text: string) => socket.write(text.replace('SIP/2.0/UDP', 'SIP/2.0/TCP'))
  const hear = async (wanted: (text: string) => boolean) => {
    for (;;) {
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      if (wanted(chunk.toString())) return parseSip(chunk.toString())
    }
  }
  const call = { ...registering(account), callId: `tcp-${account.id}`, contact: '<sip:me@10.0.0.1;transport=tcp>' }
  say(words.compose('REGISTER', { ...call, cseq: 1 }))
  const challenge = await hear((text) => text.includes(' 407 '))
  const extra = [authorize(challenge, 'REGISTER', registrar, account)]
  say(words.compose('REGISTER', { ...call, cseq: 2, extra }))
  await hear((text) => text.includes(' 200 '))
  t.is((await edge.registration(account))?.transport, 'tcp')
  edge.asterisk.send(edge.asterisk.compose('INVITE', { uri: `sip:${account.username}@${account.domain}` }))
  const invite = await hear((text) => text.startsWith('INVITE'))
  t.regex(invite.start, /^INVITE sip:me@10\.0\.0\.1;transport=tcp /)
})

test('a Path is stored for a device that knows of it, echoed, and gone along', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_PATH_PROXIES: '10.1.0.0/16,127.0.0.1' } })
  const [account, device, proxy] = [await edge.account(), await edge.device(), await edge.client()]
  const path = `<sip:127.0.0.1:${proxy.port};lr>`
  t.is((await register(device, account, { extra: [`Path: ${path}`] })).status, 420)
  const answer = await register(device, account, { extra: [`Path: ${path}`, 'Supported: path, gruu'] })
  t.is(header(answer, 'path'), path)
  edge.asterisk.send(edge.asterisk.compose('INVITE', { uri: `sip:${account.username}@${account.domain}` }))
  const invite = await incoming(proxy, 'INVITE')
  t.is(header(invite, 'route'), path)
  t.regex(invite.start, new RegExp(`^INVITE sip:client@127\\.0\\.0\\.1:${device.port} `))
})
