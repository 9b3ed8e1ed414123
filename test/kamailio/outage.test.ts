import test from 'ava'
import { createConnection } from 'mysql2/promise'
import { becomesTrue } from '../../src/stack/shell.ts'
import { mysqlUrl } from '../api/servers.ts'
import { header, type SipClient, type SipMessage } from '../support/sip.ts'
import { Edge, incoming, register } from './edge.ts'

/** 3 s, and a machine with much to do needs its time. */
const soonMs = 6_000

const isUnavailable = (answer: SipMessage): boolean =>
  answer.status === 503 && /^\d+$/.test(header(answer, 'retry-after'))

test.serial('while MySQL is frozen calls and registrations are refused, soon at first and then at once', async (t) => {
  const edge = await Edge.open(t)
  const [account, client, late] = [await edge.account(), await edge.device(), await edge.account()]
  t.is((await register(client, account)).status, 200)
  edge.wire.hang()
  const callers = await Promise.all(Array.from({ length: 4 }, () => edge.client()))
  const began = performance.now()
  const call = (caller: SipClient) => caller.request('INVITE', { uri: account.direct }, 30_000)
  for (const answer of await Promise.all(callers.map(call))) t.true(isUnavailable(answer))
  t.true(performance.now() - began < soonMs)
  const atOnce = async () => {
    const asked = performance.now()
    return isUnavailable(await call(client)) && performance.now() - asked < 500
  }
  t.true(await becomesTrue(20_000, atOnce))
  const then = performance.now()
  t.true(isUnavailable(await register(client, account)))
  t.true(isUnavailable(await register(await edge.device(), late)))
  t.true(performance.now() - then < 2_000)
  edge.wire.mend()
  t.true(await becomesTrue(20_000, async () => (await register(client, account)).status === 200))
  t.is((await register(await edge.device(), late)).status, 200)
})

test.serial('connections to MySQL that a firewall has forgotten cost a caller a moment, and no call', async (t) => {
  const edge = await Edge.open(t)
  const [account, client] = [await edge.account(), await edge.client()]
  edge.wire.silence()
  // Each of the 4 workers has one.
  for (let n = 0; n < 8; n++) {
    const began = performance.now()
    const since = edge.asterisk.received.length
    const answered = client.request('INVITE', { uri: account.direct }, 30_000)
    edge.asterisk.reply(await incoming(edge.asterisk, 'INVITE', since), '603 Decline')
    t.is((await answered).status, 603)
    t.true(performance.now() - began < soonMs)
  }
})

test.serial(
  'while MySQL is read-only nothing new begins, and calls that are under way still find their devices',
  async (t) => {
    const edge = await Edge.open(t)
    const [account, client, late] = [await edge.account(), await edge.device(), await edge.account()]
    t.is((await register(client, account)).status, 200)
    const root = await createConnection(await mysqlUrl())
    t.teardown(async () => {
      await root.query('SET GLOBAL read_only = 0')
      await root.end()
    })
    await root.query('SET GLOBAL read_only = 1')
    t.true(isUnavailable(await register(client, account)))
    t.true(isUnavailable(await register(await edge.device(), late)))
    t.true(
      await becomesTrue(soonMs, async () => isUnavailable(await client.request('INVITE', { uri: account.direct }))),
    )
    t.true(isUnavailable(await register(client, account)))
    edge.asterisk.send(edge.asterisk.compose('INVITE', { uri: `sip:${account.username}@${account.domain}` }))
    t.regex((await incoming(client, 'INVITE')).start, /^INVITE sip:client@/)
    await root.query('SET GLOBAL read_only = 0')
    t.true(await becomesTrue(soonMs, async () => (await register(client, account)).status === 200))
  },
)
