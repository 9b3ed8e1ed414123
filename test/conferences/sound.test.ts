import test from 'ava'
import { DtmfMenu } from '../../src/conferences/menu.ts'
import { PinGuard } from '../../src/conferences/pin-guard.ts'
import { factorOf, soundOf, type Meeting } from '../../src/conferences/sound.ts'

const guest = { moderator: false, muted: false, held: false }
const moderator = { ...guest, moderator: true }

function meeting(values: Partial<Meeting['settings']> = {}, more: Partial<Omit<Meeting, 'settings'>> = {}): Meeting {
  const settings = { before_moderator: 'open', music_when_alone: true, ...values } as const
  return { settings, hasModerator: false, count: 3, ...more }
}

test('who is muted or on hold is in the conference, and is not heard', (t) => {
  t.deepEqual(soundOf(guest, meeting()), { bridged: true, muted: false, music: false })
  t.deepEqual(soundOf({ ...guest, muted: true }, meeting()), { bridged: true, muted: true, music: false })
  t.deepEqual(soundOf({ ...guest, held: true }, meeting()), { bridged: true, muted: true, music: true })
})

test('who is alone hears music, where the conference has some', (t) => {
  t.true(soundOf(guest, meeting({}, { count: 1 })).music)
  t.false(soundOf(guest, meeting({ music_when_alone: false }, { count: 1 })).music)
})

test('before a moderator is there the others wait as they are to, and a moderator does not', (t) => {
  const silent = { before_moderator: 'muted' } as const
  const music = { before_moderator: 'music' } as const
  t.deepEqual(soundOf(guest, meeting(silent)), { bridged: true, muted: true, music: false })
  t.deepEqual(soundOf(guest, meeting(music)), { bridged: false, muted: true, music: true })
  t.deepEqual(soundOf(moderator, meeting(music, { hasModerator: true })), { bridged: true, muted: false, music: false })
  t.false(soundOf(guest, meeting(silent, { hasModerator: true })).muted)
})

test('decibels are told to Asterisk as factors', (t) => {
  t.is(factorOf(0), '1.000')
  t.is(factorOf(6), '1.995')
  t.is(factorOf(-20), '0.100')
})

test('a star and a digit are a command; other digits, and a star that was long ago, are none', (t) => {
  const chosen: string[] = []
  const menu = new DtmfMenu((command) => chosen.push(command))
  for (const digit of '1*1**1#*#5*') menu.press(digit)
  t.deepEqual(chosen, ['mute', 'mute', 'end'])
})

test('many wrong PINs leave each caller one try, until they are old, and are told once', (t) => {
  let now = 0
  const told: string[] = []
  const guard = new PinGuard(
    (id) => told.push(id),
    () => now,
  )
  for (let count = 0; count < 14; count++) guard.wrong('a')
  t.is(guard.triesOf('a'), 3)
  for (let count = 0; count < 5; count++) guard.wrong('a')
  t.is(guard.triesOf('a'), 1)
  t.is(guard.triesOf('b'), 3)
  t.deepEqual(told, ['a'])
  now = 300_001
  t.is(guard.triesOf('a'), 3)
})
