import test from 'ava'
import { Clauses } from '../../src/conversation/clauses.ts'
import { isAcknowledgement, isInterruption, turnEndMs } from '../../src/conversation/turn-end.ts'
import { Utterance } from '../../src/conversation/utterance.ts'

function spoken(text: string, size = 3): string[] {
  const clauses = new Clauses()
  const all: string[] = []
  for (let at = 0; at < text.length; at += size) all.push(...clauses.write(text.slice(at, at + size)))
  return [...all, ...clauses.end()]
}

test('the first clause is short, and then whole sentences follow', (t) => {
  t.deepEqual(spoken('Of course I can do that, sir. We are open from nine, but not on Sundays. Anything else?'), [
    'Of course I can do that,',
    'sir.',
    'We are open from nine, but not on Sundays.',
    'Anything else?',
  ])
})

test('what is for the eye is not spoken', (t) => {
  t.deepEqual(spoken('**Roses** are `red` 🌹 and [here](https://example.com/a). See https://example.com/b now.'), [
    'Roses are red and here.',
    'See now.',
  ])
})

test('what a model thinks is not spoken, however its tags are cut', (t) => {
  for (const size of [1, 2, 3, 5, 7, 100])
    t.deepEqual(spoken('<think>He wants roses. Sell him roses.</think>We have red roses. 1 < 2 <b', size), [
      'We have red roses.',
      '1 < 2 <b',
    ])
  t.deepEqual(spoken('Well, well. <think>And never again'), ['Well, well.'])
})

test('a number or a title does not end a sentence, and a sentence without an end is cut at a space', (t) => {
  t.deepEqual(spoken('That is 3.5 percent for Mr. Miller and his wife.'), [
    'That is 3.5 percent for Mr. Miller and his wife.',
  ])
  const long = spoken('word '.repeat(200))
  t.true(long.every((clause) => clause.length <= 240 && /^(word ?)+$/.test(clause)))
  t.is(long.join(' ').split(' ').length, 200)
})

test('a sentence that is whole is answered soon, and one that hangs is waited for', (t) => {
  t.is(turnEndMs('When are you open?', false), 100)
  t.is(turnEndMs('I would like to', false), 1_300)
  t.is(turnEndMs('I would like roses and.', false), 1_300)
  t.is(turnEndMs('My number is 5 5 5.', false), 500)
  t.is(turnEndMs('Roses please', false), 600)
  t.is(turnEndMs('Yes.', true), 0)
})

test('an acknowledgement is told from a word that interrupts', (t) => {
  for (const text of ['Mm-hm.', 'Yeah, okay.', 'Uh-huh', 'I see.', 'Right, right.', ''])
    t.true(isAcknowledgement(text), text)
  for (const text of ['Mm-hm.', 'Yeah, okay.', 'Got it', 'Blue.']) t.false(isInterruption(text), text)
  for (const text of ['Stop.', 'No.', 'Wait', 'Yes, but', 'I see a problem']) t.true(isInterruption(text), text)
})

test('what was heard of an utterance is known to the word', (t) => {
  const utterance = new Utterance()
  const second = { samples: new Int16Array(8_000), rate: 8_000 }
  utterance.say('One two three four.')
  utterance.add(second)
  utterance.add(second)
  utterance.say('Five six.')
  utterance.add(second)
  t.is(utterance.heard(0), '')
  t.is(utterance.heard(1_000), 'One two')
  t.is(utterance.heard(2_000), 'One two three four.')
  t.is(utterance.heard(2_600), 'One two three four. Five')
  t.is(utterance.heard(9_000), 'One two three four. Five six.')
})
