import test from 'ava'
import { ensureModels } from '../../src/stack/models.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { setUp } from '../support/setup.ts'
import { transcribesOf, transcriptsOf, wordsOf } from '../support/speaker.ts'
import { makeQueue, waits } from './support.ts'

test.before(() => ensureModels(() => undefined))

test('who waits is told their place, again in its time, with music between', async (t) => {
  const setup = await setUp(t)
  const text = 'You are caller number ${hashdial.queuecall.position} and we are with you soon.'
  const queue = await makeQueue(setup, { announce_interval: 15_000, announce_text: text })
  await waits(setup, queue)
  const actions = [
    { type: 'transcribe_start', option: { language: 'en-US' } },
    { type: 'queue_join', option: { queue_id: queue.id } },
  ]
  const { body } = await setup.api<{ direct_uri: string }>('POST', '/flows', { actions })
  const second = await setup.stranger()
  await second.dial(body.direct_uri)
  await second.established()
  const told = async () => {
    const [transcribe] = await transcribesOf(setup)
    const words = transcribe ? wordsOf(await transcriptsOf(setup, transcribe.id), 'out') : ''
    return words.match(/number (two|2)/gi)?.length ?? 0
  }
  t.true(await becomesTrue(15_000, async () => (await told()) === 1), 'once')
  const first = performance.now()
  t.true(await becomesTrue(40_000, async () => (await told()) === 2), 'twice')
  const between = performance.now() - first
  t.true(between > 12_000, `${between} ms`)
})
