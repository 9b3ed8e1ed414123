import test from 'ava'
import { setTimeout as delay } from 'node:timers/promises'
import { BargeIn } from '../../src/conversation/barge-in.ts'

function bargeIn(): { gate: BargeIn; done: string[] } {
  const done: string[] = []
  const gate = new BargeIn({
    pause: () => done.push('pause'),
    resume: () => done.push('resume'),
    interrupt: () => done.push('interrupt'),
  })
  return { gate, done }
}

/** Sounds as loud as speech, for so long. */
async function speaks(gate: BargeIn, milliseconds: number): Promise<void> {
  const sound = { rate: 16_000, samples: new Int16Array(320).fill(5_000) }
  for (const until = performance.now() + milliseconds; performance.now() < until; await delay(20)) gate.hear(sound)
}

test('who has fallen silent when it is to be decided interrupts only by what they have said', async (t) => {
  const { gate, done } = bargeIn()
  gate.speech()
  await speaks(gate, 450)
  await delay(300)
  t.deepEqual(done, ['pause'])
  t.true(gate.silence('You got.'))
  t.deepEqual(done, ['pause', 'resume'])
})

test('at the first sound of speech there is silence, and after a noise it goes on', (t) => {
  const { gate, done } = bargeIn()
  gate.speech()
  t.deepEqual(done, ['pause'])
  t.true(gate.silence(''))
  t.deepEqual(done, ['pause', 'resume'])
})

test('an acknowledgement interrupts nobody, and a word does', (t) => {
  const { gate, done } = bargeIn()
  gate.speech()
  gate.partial('Mm-hm')
  t.true(gate.silence('Mm-hm.'))
  gate.speech()
  gate.partial('Wait')
  t.deepEqual(done, ['pause', 'resume', 'pause', 'interrupt'])
  t.false(gate.silence('Wait a moment.'), 'it is answered')
})

test('a word or two that interrupt nobody are talked through, as whatever they were understood', (t) => {
  const { gate, done } = bargeIn()
  gate.speech()
  gate.partial('You got')
  t.true(gate.silence('You got.'))
  t.deepEqual(done, ['pause', 'resume'])
})

test('who goes on speaking interrupts within 600 ms, whatever they say', async (t) => {
  const { gate, done } = bargeIn()
  gate.speech()
  await speaks(gate, 700)
  t.deepEqual(done, ['pause', 'interrupt'])
})

test('who goes on after an acknowledgement may interrupt still', async (t) => {
  const { gate, done } = bargeIn()
  gate.speech()
  gate.partial('Yeah')
  await speaks(gate, 700)
  t.deepEqual(done, ['pause', 'resume'])
  gate.partial('Yeah, but what about tulips')
  t.deepEqual(done, ['pause', 'resume', 'interrupt'])
})

test('when all was said nothing is left to be interrupted', async (t) => {
  const { gate, done } = bargeIn()
  gate.speech()
  gate.end()
  t.false(gate.silence('Yeah.'), 'it is an answer')
  await delay(700)
  t.deepEqual(done, ['pause'])
})
