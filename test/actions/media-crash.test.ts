import test from 'ava'
import { ensureModels } from '../../src/stack/models.ts'
import { startStack } from '../../src/stack/stack.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { leavesNothing } from '../calls/support.ts'
import { activeflow, callFlow, results, runs } from '../support/flows.ts'
import { rtpEar } from '../support/rtp.ts'
import { setUp, type Setup } from '../support/setup.ts'
import { bridged, Speaker, transcribesOf, transcriptsOf, wordsOf } from '../support/speaker.ts'
import { loudness } from '../support/tone.ts'
import { webServer } from '../support/web.ts'
import { listener, makeFlow } from './support.ts'

/** A stack of this file's own, whose Hashdial is killed in the middle of each action. */
const stack = await startStack({
  name: 'fault-media',
  fresh: true,
  ports: { sip: 25160, api: 25180, asteriskSip: 25170, ari: 25188, mysql: 25316, rtpFrom: 25400, rtpTo: 25999 },
  env: { HASHDIAL_FETCH_PRIVATE: '127.0.0.1' },
})
test.after.always(() => stack.stop())

async function crash(): Promise<void> {
  await stack.part('hashdial').kill9()
  await stack.part('hashdial').start()
}

const digits = 'hashdial.call.digits'

async function isClean(setup: Setup): Promise<boolean> {
  return leavesNothing(stack, (await activeflow(setup)).id)
}

test.serial('play goes on with what was being played, and then with the rest', async (t) => {
  const setup = await setUp(t, stack)
  const web = await webServer(t)
  const urls = [`${web}/tone/700/2.wav`, `${web}/tone/1000/8.wav`, `${web}/tone/1300/2.wav`]
  const caller = await callFlow(setup, [['answer'], ['play', { stream_urls: urls }]])
  t.true(await caller.hears(1000))
  await crash()
  t.true(await caller.hears(1000), 'it is played still, or again')
  t.true(await caller.hears(1300, 20_000), 'what follows it')
  await caller.closed(15_000)
  const ended = await activeflow(setup)
  t.deepEqual(results(ended, 'play'), ['done'])
  t.true(await isClean(setup))
})

test.serial('talk and a beep are said to their end', async (t) => {
  const setup = await setUp(t, stack)
  const text = 'This is a sentence that lasts for quite a while, so that something can happen in it. '.repeat(3)
  const caller = await callFlow(setup, [['talk', { text }], ...Array.from({ length: 10 }, (): [string] => ['beep'])])
  t.true(await becomesTrue(8_000, () => loudness(caller.heard()) > 300))
  await crash()
  await activeflow(setup, runs('beep'), 30_000)
  await crash()
  await caller.closed(20_000)
  const ended = await activeflow(setup)
  t.deepEqual(results(ended, 'talk'), ['done'])
  t.is(results(ended, 'beep').filter((result) => result === 'done').length, 10)
  t.true(await isClean(setup))
})

test.serial('digits that were received are kept, and those that follow are added', async (t) => {
  const setup = await setUp(t, stack)
  const caller = await callFlow(setup, [['digits_receive', { length: 4, duration: 60_000 }]])
  await activeflow(setup, runs('digits_receive'))
  await caller.press('12')
  await activeflow(setup, ({ variables }) => variables[digits] === '12')
  await crash()
  await activeflow(setup, runs('digits_receive'))
  await caller.press('34')
  await caller.closed()
  t.is((await activeflow(setup)).variables[digits], '1234')
})

test.serial('digits_send sends its digits once', async (t) => {
  const setup = await setUp(t, stack)
  const ear = await rtpEar(t)
  const { status, body } = await setup.api<{ direct_uri: string }>('POST', '/flows', {
    actions: [{ type: 'digits_send', option: { digits: '123456', duration: 300, interval: 300 } }],
  })
  t.is(status, 201)
  const caller = await setup.sip()
  t.is((await caller.request('INVITE', { uri: body.direct_uri, body: ear.sdp })).status, 200)
  t.true(await becomesTrue(5_000, () => ear.keys() !== ''))
  await crash()
  t.deepEqual(results(await activeflow(setup), 'digits_send'), ['done'])
  t.is(ear.keys(), '123456')
})

test.serial('echo goes on, and ends at its time', async (t) => {
  const setup = await setUp(t, stack)
  const caller = await callFlow(setup, [['echo', { duration: 15_000 }]])
  t.true(await caller.hears(caller))
  await crash()
  t.true(await caller.hears(caller))
  await caller.closed(25_000)
  t.deepEqual(results(await activeflow(setup), 'echo'), ['done'])
  t.true(await isClean(setup))
})

test.serial('who is muted stays so', async (t) => {
  const setup = await setUp(t, stack)
  const caller = await callFlow(setup, [
    ['mute', { direction: 'in' }],
    ['echo', { duration: 20_000 }],
  ])
  t.true(await caller.hearsNothing())
  await crash()
  t.true(await caller.hearsNothing())
  await caller.hangup()
  t.true(await isClean(setup))
})

test.serial('a recording goes on, ends with its key, and its row says so', async (t) => {
  const setup = await setUp(t, stack)
  const caller = await callFlow(setup, [
    ['recording_start', { end_of_key: '#' }],
    ['sleep', { duration: 60_000 }],
  ])
  await activeflow(setup, runs('sleep'))
  await crash()
  const all = async () =>
    (await setup.api<{ result: { status: string; tm_start: string; tm_end: string }[] }>('GET', '/recordings')).body
      .result
  t.deepEqual(
    (await all()).map(({ status }) => status),
    ['recording'],
  )
  // A key that is pressed before the call is found again is nobody's.
  const pressed = async () => caller.press('#').then(async () => (await all())[0]?.status === 'ended')
  t.true(await becomesTrue(20_000, pressed))
  const [recording] = await all()
  t.true(Date.parse(recording!.tm_end) - Date.parse(recording!.tm_start) > 1_000)
  await caller.hangup()
  t.true(await isClean(setup))
})

test.serial('a recording that ended while Hashdial was away is found', async (t) => {
  const setup = await setUp(t, stack)
  const caller = await callFlow(setup, [['recording_start'], ['sleep', { duration: 60_000 }]])
  await activeflow(setup, runs('sleep'))
  await stack.part('hashdial').kill9()
  await caller.hangup()
  await stack.part('hashdial').start()
  const ended = await becomesTrue(15_000, async () => {
    const { body } = await setup.api<{ result: { status: string }[] }>('GET', '/recordings')
    return body.result[0]?.status === 'ended'
  })
  t.true(ended)
  t.true(await isClean(setup))
})

test.serial('what follows a recording goes on while the call does', async (t) => {
  const setup = await setUp(t, stack)
  const web = await listener(t, (_asked, response, count) => {
    if (count > 1) response.end()
  })
  const after = await makeFlow(setup, [{ type: 'webhook_send', option: { uri: web.url, sync: true } }])
  const caller = await callFlow(setup, [
    ['recording_start', { duration: 1, on_end_flow_id: after.id }],
    ['sleep', { duration: 60_000 }],
  ])
  t.true(await becomesTrue(8_000, () => web.asked.length === 1))
  await crash()
  const followed = await activeflow(setup)
  t.deepEqual(results(followed, 'webhook_send'), ['done'])
  t.regex(followed.variables['hashdial.recording.id']!, /^[0-9a-f-]{36}$/)
  await caller.hangup()
  const { body } = await setup.api<{ result: { id: string }[] }>('GET', '/activeflows')
  t.is(body.result.length, 2)
  t.true(await leavesNothing(stack, body.result[1]!.id))
})

test.serial('a transcribe goes on, and has what was said before and after', async (t) => {
  await ensureModels(() => undefined)
  const setup = await setUp(t, stack)
  const caller = await Speaker.callFlow(t, setup, [['transcribe_start'], ['sleep', { duration: 60_000 }]])
  const { id: flowId } = await activeflow(setup, runs('sleep'))
  const { id } = (await transcribesOf(setup))[0]!
  await caller.say('The office is open from nine to five.')
  t.true(await becomesTrue(8_000, async () => (await transcriptsOf(setup, id)).length === 1))
  await crash()
  t.true(await becomesTrue(8_000, async () => (await bridged(stack, `transcribe_in-${flowId}`)) === 2))
  await caller.say('Please leave a message after the tone.')
  await caller.hangup()
  t.true(await becomesTrue(10_000, async () => (await transcribesOf(setup))[0]?.status === 'done'))
  t.is((await transcribesOf(setup))[0]!.id, id)
  t.regex(wordsOf(await transcriptsOf(setup, id), 'in'), /office is open .*after the tone/)
  t.true(await isClean(setup))
})

test.serial(
  'a transcribe whose caller hung up while Hashdial was away is done, and its flow follows once',
  async (t) => {
    const setup = await setUp(t, stack)
    const after = await makeFlow(setup, [{ type: 'variable_set', option: { key: 'after', value: 'yes' } }])
    const caller = await callFlow(setup, [
      ['transcribe_start', { on_end_flow_id: after.id }],
      ['sleep', { duration: 60_000 }],
    ])
    const { id } = await activeflow(setup, runs('sleep'))
    await stack.part('hashdial').kill9()
    await caller.hangup()
    await stack.part('hashdial').start()
    await activeflow(setup, ({ variables, status }) => variables.after === 'yes' && status === 'ended')
    t.is((await transcribesOf(setup))[0]!.status, 'done')
    t.true(await leavesNothing(stack, id))
    t.is((await setup.api<{ result: object[] }>('GET', '/activeflows')).body.result.length, 2)
  },
)

test.serial('external media goes on, and can be stopped', async (t) => {
  const setup = await setUp(t, stack)
  const ear = await rtpEar(t)
  const caller = await callFlow(setup, [
    ['external_media_start', { external_host: `127.0.0.1:${ear.port}` }],
    ['digits_receive', { length: 1, duration: 60_000 }],
    ['external_media_stop'],
    ['sleep', { duration: 60_000 }],
  ])
  t.true(await becomesTrue(5_000, () => ear.packets() > 20))
  await crash()
  const before = ear.packets()
  t.true(await becomesTrue(5_000, () => ear.packets() > before + 20))
  await caller.press('1')
  t.deepEqual(results(await activeflow(setup, runs('sleep')), 'external_media_stop'), ['done'])
  await caller.hangup()
  t.true(await isClean(setup))
})

test.serial('answering machine detection begins again', async (t) => {
  const setup = await setUp(t, stack)
  const caller = await callFlow(setup, [['amd'], ['sleep', { duration: 60_000 }]])
  await activeflow(setup, runs('amd'))
  await crash()
  await caller.closed(20_000)
  t.is((await activeflow(setup)).variables['hashdial.call.amd_status'], 'machine')
  t.true(await isClean(setup))
})
