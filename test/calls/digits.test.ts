import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { activeflow, flow, runs } from '../support/flows.ts'
import { BareCaller } from '../support/caller.ts'
import { setUp } from '../support/setup.ts'

const digits = 'hashdial.call.digits'
const offer = (port = 0): string =>
  [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', `m=audio ${port} RTP/AVP 0 101`],
    ...['a=rtpmap:0 PCMU/8000', 'a=rtpmap:101 telephone-event/8000', ''],
  ].join('\r\n')

/** What a flow that takes keys until `#` has got from a caller who does `press`. */
async function got(t: ExecutionContext, press: (caller: BareCaller) => Promise<unknown>): Promise<string> {
  const setup = await setUp(t)
  const uri = await flow(setup, [['digits_receive', { key: '#', duration: 15_000 }]])
  const caller = await BareCaller.open(t, setup)
  t.is((await caller.dial(uri, offer(caller.ports[0]))).status, 200)
  await activeflow(setup, runs('digits_receive'))
  await press(caller)
  // Well apart, so that nothing is still to be told of the keys before it.
  await sleep(800)
  await caller.press('#', 100)
  return (await activeflow(setup)).variables[digits] ?? ''
}

test('one key by RTP and by INFO counts once, and two are two', async (t) => {
  const keys = await got(t, async (caller) => {
    for (const key of '5599') {
      await Promise.all([caller.press(key, 100), caller.info(key)])
      await sleep(150)
    }
    await caller.press('1', 100)
    await caller.info('1')
  })
  t.is(keys, '55991#')
})

test('keys with gaps of 20 ms count once each, and the same key twice is two', async (t) => {
  const keys = await got(t, async (caller) => {
    for (const key of '123455') {
      await caller.press(key, 100)
      await sleep(20)
    }
  })
  t.is(keys, '123455#')
})

test('the same key pressed quickly counts each time, by RTP and by INFO', async (t) => {
  const byRtp = await got(t, async (caller) => {
    for (const key of '7777') {
      await caller.press(key, 60)
      await sleep(60)
    }
  })
  t.is(byRtp, '7777#')
  const byInfo = await got(t, async (caller) => {
    for (const key of '7777') {
      t.is((await caller.info(key)).status, 200)
      await sleep(120)
    }
  })
  t.is(byInfo, '7777#')
})
