import test from 'ava'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { startStack } from '../../src/stack/stack.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { activeflow, callFlow, results, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { id, listener, makeFlow } from './support.ts'

/** A stack of this file's own: Hashdial goes down of what a flow does. */
const ports = { sip: 30060, api: 30080, asteriskSip: 30070, ari: 30088, mysql: 30316, rtpFrom: 30400, rtpTo: 30999 }
const stack = await startStack({ name: 'fault-down', ports, env: { HASHDIAL_FETCH_PRIVATE: '127.0.0.1' }, fresh: true })
test.after.always(() => stack.stop())

test.serial(
  'an action that takes the process down three times is left out, and those beside it are carried on',
  async (t) => {
    const setup = await setUp(t, stack)
    let down: Promise<unknown> | undefined
    // The process dies in the moment in which the action does something.
    const web = await listener(t, () => {
      down = stack.part('hashdial').kill9()
    })
    const good = await callFlow(setup, [['answer'], ['sleep', { duration: 300_000 }]])
    const sleeping = await activeflow(setup, runs('sleep'))
    const { direct_uri } = await makeFlow(setup, [
      { type: 'answer' },
      { type: 'fetch', option: { event_url: web.url } },
      { type: 'variable_set', option: { key: 'after', value: 'yes' } },
      { id: id(1), type: 'sleep', option: { duration: 300_000 } },
    ])
    const caller = await setup.stranger()
    await caller.dial(direct_uri)
    t.true(await becomesTrue(10_000, () => web.asked.length === 1))
    for (const count of [2, 3]) {
      await down
      await stack.part('hashdial').start()
      t.true(await becomesTrue(10_000, () => web.asked.length === count))
    }
    await down
    await stack.part('hashdial').start()
    const ran = await activeflow(setup, runs('sleep'))
    t.is(web.asked.length, 3)
    t.regex(results(ran, 'fetch')[0]!, /went down three times/)
    t.is(ran.variables.after, 'yes')
    const { body } = await setup.api<{ status: string; executed_actions: object[] }>(
      'GET',
      `/activeflows/${sleeping.id}`,
    )
    t.is(body.status, 'running', JSON.stringify(body))
    t.is(body.executed_actions.length, 2)
    await Promise.all([caller.hangup(), good.hangup()])
  },
)

test.serial('an action that waits is carried on, however often the process is killed', async (t) => {
  const setup = await setUp(t, stack)
  const web = await listener(t, () => undefined)
  const caller = await callFlow(setup, [['answer'], ['webhook_send', { uri: web.url, sync: true }], ['stop']])
  const database = await createConnection(stack.databaseUrl)
  t.teardown(() => database.end())
  for (let count = 1; count <= 3; count++) {
    t.true(await becomesTrue(10_000, () => web.asked.length === count))
    // It has survived the moment in which it does something: so it is not of this action.
    t.true(
      await becomesTrue(10_000, async () => {
        const [rows] = await database.query<RowDataPacket[]>(`SELECT state FROM activeflows WHERE status = 'running'`)
        return rows.every(({ state }) => !String(state).includes('"deaths"'))
      }),
    )
    await stack.part('hashdial').kill9()
    await stack.part('hashdial').start()
  }
  t.true(await becomesTrue(10_000, () => web.asked.length === 4))
  await caller.hangup()
})
