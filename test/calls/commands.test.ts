import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { activeflow, callFlow, runs } from '../support/flows.ts'
import { setUp } from '../support/setup.ts'
import { loudness } from '../support/tone.ts'
import { webServer } from '../support/web.ts'
import { hasEnded, latestCall } from './support.ts'

test('to a call that lasts something can be played and said, and it can be muted, held and recorded', async (t) => {
  const setup = await setUp(t)
  const web = await webServer(t)
  const caller = await callFlow(setup, [['answer'], ['sleep', { duration: 60_000 }]])
  await activeflow(setup, runs('sleep'))
  const { id } = await latestCall(setup.api, ({ status }) => status === 'progressing')
  const command = async (name: string, body?: object) =>
    (await setup.api<{ error?: { reason: string } }>('POST', `/calls/${id}/${name}`, body)).status

  t.is(await command('recording_start', {}), 200)
  t.is(await command('play', { stream_urls: [`${web}/tone/1000/2.wav`] }), 200)
  t.true(await caller.hears(1000))
  t.true(await caller.hearsNothing())
  t.is(await command('talk', { text: 'This is said to a call that lasts.' }), 200)
  t.true(await becomesTrue(5_000, () => loudness(caller.heard()) > 300))
  t.is(await command('recording_stop'), 200)
  t.is(await command('recording_stop'), 409)
  t.is((await setup.api<{ recording_ids: string[] }>('GET', `/calls/${id}`)).body.recording_ids.length, 1)
  t.is(await command('mute', { direction: 'in' }), 200)
  t.is(await command('hold', {}), 200)
  t.is(await command('hold', { hold: false }), 200)
  t.is(await command('play', { stream_urls: [`${web}/page`] }), 400)
  t.is(await command('play', { stream_urls: ['nonsense'] }), 400)
  await caller.hangup()
  await latestCall(setup.api, hasEnded)
  t.is(await command('mute', {}), 409)
})
