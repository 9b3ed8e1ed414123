import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { GapFiller } from '../../src/media/gap-filler.ts'
import { milliseconds, type Pcm } from '../../src/voice/pcm.ts'
import { becomesTrue } from '../../src/stack/shell.ts'

const sound: Pcm = { samples: new Int16Array(320).fill(1_000), rate: 16_000 }

test('where there is no sound there is silence, so that its time is the time of the call', async (t) => {
  const heard: Pcm[] = []
  let closed = 0
  const ear = { write: (pcm: Pcm) => void heard.push(pcm), close: async () => void closed++ }
  const begun = performance.now()
  const line = new GapFiller(ear)
  for (let count = 0; count < 10; count++) {
    line.write(sound)
    await delay(20)
  }
  t.deepEqual(
    heard,
    Array.from({ length: 10 }, () => sound),
    'nothing is put between what comes in time',
  )
  const all = () => heard.reduce((sum, pcm) => sum + milliseconds(pcm), 0)
  t.true(await becomesTrue(5_000, () => all() > 800))
  t.true(heard.slice(10).every(({ samples }) => samples.every((sample) => sample === 0)))
  t.true(all() <= performance.now() - begun)
  await Promise.all([line.close(), line.close()])
  const length = heard.length
  line.write(sound)
  t.is(heard.length, length)
  t.is(closed, 1)
})
