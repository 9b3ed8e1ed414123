import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { header } from '../support/sip.ts'
import { base, Edge, incoming, register, visible } from './edge.ts'

test('a direct address becomes its resource, and what the resource answers reaches the caller', async (t) => {
  const edge = await Edge.open(t)
  const [account, caller] = [await edge.account(), await edge.client()]
  for (const answer of ['486 Busy Here', '480 Temporarily Unavailable', '603 Decline', '404 Not Found', '500 Oops']) {
    const since = edge.asterisk.received.length
    const answered = caller.request('INVITE', { uri: account.direct })
    const invite = await incoming(edge.asterisk, 'INVITE', since)
    t.is(invite.start, `INVITE sip:extension.${account.id}@127.0.0.1:${edge.asterisk.port} SIP/2.0`)
    edge.asterisk.reply(invite, '183 Session Progress')
    await caller.message(({ status }) => status === 183)
    edge.asterisk.reply(invite, answer)
    t.is((await answered).start, `SIP/2.0 ${answer}`)
  }
})

test('headers of ours are taken off, however they are written; a preloaded Route is not followed', async (t) => {
  const edge = await Edge.open(t)
  const [account, caller, victim] = [await edge.account(), await edge.client(), await edge.client()]
  const forged = ['X-Hashdial-A: 1', 'x-hashdial-b :2', 'X-HASHDIAL-C:\r\n 3', 'X-Hashdial-A: 4', 'X-Other: 5']
  const extra = [...forged, `Route: <sip:127.0.0.1:${edge.port};lr>, <sip:127.0.0.1:${victim.port};lr>`]
  caller.send(caller.compose('INVITE', { uri: account.direct, extra }))
  const invite = await incoming(edge.asterisk, 'INVITE')
  t.notRegex(invite.text, /x-hashdial/i)
  t.is(header(invite, 'x-other'), '5')
  t.is(header(invite, 'route'), '')
  t.deepEqual(victim.received, [])
})

test('whatever cannot be called is the same 404', async (t) => {
  const edge = await Edge.open(t)
  const [account, caller] = [await edge.account(), await edge.client()]
  const users = [
    ...['direct.0123456789ab', 'direct.', 'direct.0123456789a', 'direct.0123456789abc', 'direct.0123456789ag'],
    ...[`direct.${account.hash}'`, `direct.${account.hash}%27`, "direct.'or'1'='1", `DIRECT.${account.hash}`],
    ...[`direct.${'0'.repeat(300)}`, `extension.${account.id}`, account.username],
    ...['+', '+0155512345', '+1555123456789012', "+1555'--", '+1555%27', "+1'or'1'='1"],
  ]
  const answers = new Set<string>()
  for (const user of users) answers.add(visible(await caller.request('INVITE', { uri: `sip:${user}@sip.${base}` })))
  const upper = account.direct.replace(account.hash, account.hash.toUpperCase().replace(/^\d+$/, 'ABCDEFABCDEF'))
  answers.add(visible(await caller.request('INVITE', { uri: upper })))
  await edge.rows('DELETE FROM directs WHERE hash = ?', account.hash)
  answers.add(visible(await caller.request('INVITE', { uri: account.direct })))
  t.is(answers.size, 1)
  t.regex([...answers][0]!, /^SIP\/2\.0 404 Not Found\n/)
  t.false(edge.asterisk.received.some(({ method }) => method === 'INVITE'))
})

test('requests to other addresses are not ours to forward', async (t) => {
  const edge = await Edge.open(t)
  const [account, caller, victim] = [await edge.account(), await edge.client(), await edge.client()]
  for (const uri of [
    `sip:extension.${account.id}@127.0.0.1:${edge.asterisk.port}`,
    `sip:extension.${account.id}@127.0.0.1:${edge.port}`,
    `sip:someone@127.0.0.1:${victim.port}`,
    `sip:direct.${account.hash}@elsewhere.test`,
  ]) {
    t.is((await caller.request('INVITE', { uri })).status, 404, uri)
  }
  t.is((await caller.request('MESSAGE', { uri: account.direct })).status, 405)
  t.is((await caller.request('OPTIONS', { uri: `sip:sip.${base}` })).status, 200)
  t.deepEqual(victim.received, [])
})

test('who misses too often gets 404 without a lookup for a while; a registered neighbour goes on', async (t) => {
  const env = { HASHDIAL_MISSES: '5', HASHDIAL_MISS_SECONDS: '60', HASHDIAL_BLOCK_SECONDS: '2' }
  const edge = await Edge.open(t, { env })
  const account = await edge.account()
  const [guesser, neighbour] = [await edge.client('127.0.0.66'), await edge.device('127.0.0.66')]
  await register(neighbour, account)
  const miss = { uri: `sip:direct.000000000000@sip.${base}` }
  const unknown = visible(await guesser.request('INVITE', miss))
  for (let n = 0; n < 5; n++) await guesser.request('INVITE', miss)
  t.is(visible(await guesser.request('INVITE', { uri: account.direct })), unknown)
  t.is((await register(guesser, await edge.account())).status, 200)

  neighbour.send(neighbour.compose('INVITE', { uri: account.direct }))
  edge.asterisk.reply(await incoming(edge.asterisk, 'INVITE'), '603 Decline')
  t.is((await neighbour.message(({ status }) => status >= 300 && status !== 407)).status, 603)

  const told = await becomesTrue(4_000, async () => {
    const blocks = await edge.rows('SELECT * FROM guess_blocks WHERE edge = ?', edge.name)
    const [totals] = await edge.rows('SELECT misses FROM edges WHERE name = ?', edge.name)
    return blocks.length === 1 && blocks[0]!.source_address === '127.0.0.66' && totals?.misses === 6
  })
  t.true(told)
  const stranger = await edge.client('127.0.0.66')
  const free = await becomesTrue(10_000, async () => {
    const since = edge.asterisk.received.length
    stranger.send(stranger.compose('INVITE', { uri: account.direct }))
    await sleep(100)
    return edge.asterisk.received.slice(since).some(({ method }) => method === 'INVITE')
  })
  t.true(free)
})

test('the next Asterisk is tried when one says 503 or nothing; then 503 with Retry-After', async (t) => {
  const edge = await Edge.open(t, { asterisks: 2 })
  const [account, caller] = [await edge.account(), await edge.client()]
  const tried: number[] = []
  let reply: string | undefined = '503 Service Unavailable'
  for (const asterisk of edge.asterisks) {
    asterisk.socket.on('message', (bytes) => {
      const text = bytes.toString()
      if (!text.startsWith('INVITE')) return
      tried.push(asterisk.port)
      const invite = asterisk.received.findLast(({ method }) => method === 'INVITE')!
      if (reply) asterisk.reply(invite, reply)
    })
  }
  const refused = await caller.request('INVITE', { uri: account.direct })
  t.is(refused.status, 503)
  t.is(header(refused, 'retry-after'), '5')
  t.is(new Set(tried).size, 2)

  const first = tried[0]!
  tried.length = 0
  reply = '486 Busy Here'
  for (let n = 0; n < 3; n++) t.is((await caller.request('INVITE', { uri: account.direct })).status, 486)
  t.deepEqual(tried, [first, first, first])

  tried.length = 0
  reply = undefined
  t.is((await caller.request('INVITE', { uri: account.direct }, 8_000)).status, 503)
  t.is(new Set(tried).size, 2)
})

test('without any live Asterisk a call gets 503 with Retry-After, at once', async (t) => {
  const edge = await Edge.open(t)
  const [account, caller] = [await edge.account(), await edge.client()]
  edge.asterisk.socket.removeAllListeners('message')
  const noticed = await becomesTrue(15_000, async () => {
    const began = Date.now()
    const { status } = await caller.request('INVITE', { uri: account.direct })
    return status === 503 && Date.now() - began < 500
  })
  t.true(noticed)
})
