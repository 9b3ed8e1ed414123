import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { leavesNothing } from '../calls/support.ts'
import { activeflow, callFlow, results, runs } from '../support/flows.ts'
import { setUp, type Setup } from '../support/setup.ts'
import { loudness, parseWav, share, type Sound } from '../support/tone.ts'
import { webServer } from '../support/web.ts'

interface RecordingView {
  id: string
  reference_id: string
  status: string
  tm_end: string | null
}

/** The customer's only recording, when it has ended. */
async function recording(setup: Setup): Promise<RecordingView> {
  let seen: RecordingView[] = []
  const ended = await becomesTrue(15_000, async () => {
    seen = (await setup.api<{ result: RecordingView[] }>('GET', '/recordings')).body.result
    return seen.length === 1 && seen[0]!.tm_end !== null
  })
  if (!ended) throw new Error(`there is no recording that has ended: ${JSON.stringify(seen)}`)
  return seen[0]!
}

async function download(setup: Setup, id: string): Promise<Sound> {
  const url = `${setup.stack.apiUrl}/v1.0/recordings/${id}/file`
  const response = await fetch(url, { headers: { authorization: `Bearer ${setup.accessKey}` } })
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
  return parseWav(Buffer.from(await response.arrayBuffer()))
}

/** The part of a sound from `from` to `to` seconds. */
const part = ({ rate, samples }: Sound, from: number, to: number): Sound => ({
  rate,
  samples: samples.subarray(from * rate, to * rate),
})

test('both parties are in it, until it is stopped; it can be downloaded and deleted', async (t) => {
  const setup = await setUp(t)
  const web = await webServer(t)
  const caller = await callFlow(setup, [
    ['recording_start'],
    ['play', { stream_urls: [`${web}/tone/1000/3.wav`] }],
    ['recording_stop'],
    ['sleep', { duration: 500 }],
  ])
  await caller.closed()
  t.deepEqual(results(await activeflow(setup), 'recording_stop'), ['done'])
  const { id, status } = await recording(setup)
  t.is(status, 'ended')
  const sound = part(await download(setup, id), 1, 2)
  t.true(share(sound, 1000) > 0.1, 'what the caller heard')
  t.true(share(sound, caller.tone) > 0.1, 'what the caller said')
  t.is((await setup.api('DELETE', `/recordings/${id}`)).status, 200)
  t.is((await setup.api('GET', `/recordings/${id}/file`)).status, 404)
})

test('it lasts to the end of a call that is hung up, and nothing is left', async (t) => {
  const setup = await setUp(t)
  const caller = await callFlow(setup, [
    ['recording_start', { beep_start: true }],
    ['sleep', { duration: 60_000 }],
  ])
  await activeflow(setup, runs('sleep'))
  await caller.hangup()
  const { id, status } = await recording(setup)
  t.is(status, 'ended')
  t.truthy(await download(setup, id))
  t.true(await leavesNothing(setup.stack, (await activeflow(setup)).id))
})

test('it ends with its key, and after its duration', async (t) => {
  const setup = await setUp(t)
  for (const [option, press] of [
    [{ end_of_key: '#' }, true],
    [{ duration: 1 }, false],
  ] as const) {
    const caller = await callFlow(setup, [
      ['recording_start', option],
      ['sleep', { duration: 60_000 }],
    ])
    await activeflow(setup, runs('sleep'))
    if (press) await caller.press('1#')
    const { id } = await recording(setup)
    t.true(loudness(await download(setup, id)) > 100)
    await setup.api('DELETE', `/recordings/${id}`)
    await caller.hangup()
    await activeflow(setup)
  }
})

test('another customer has no such recording, and it cannot be stopped when there is none', async (t) => {
  const [setup, other] = [await setUp(t), await setUp(t)]
  const caller = await callFlow(setup, [
    ['recording_stop'],
    ['recording_start', { duration: 1 }],
    ['sleep', { duration: 2_000 }],
  ])
  const { id } = await recording(setup)
  await caller.closed()
  t.deepEqual(results(await activeflow(setup), 'recording_stop'), ['nothing is being recorded'])
  for (const [method, path] of [
    ['GET', `/recordings/${id}`],
    ['GET', `/recordings/${id}/file`],
    ['DELETE', `/recordings/${id}`],
  ] as const)
    t.is((await other.api(method, path)).status, 404)
})
