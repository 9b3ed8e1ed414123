import { setTimeout as delay } from 'node:timers/promises'
import { Inbox } from '../ari/inbox.ts'
import type { Run } from '../calls/run.ts'
import { HashdialError } from '../errors.ts'
import { playTo } from '../media/playback.ts'
import { isPassword } from '../passwords.ts'
import type { PinGuard } from './pin-guard.ts'
import { countMedia } from './announcer.ts'
import type { ConferenceRow } from './row.ts'

/** What is done at the door is done for an action: its id makes the ids of what is played. */
export interface Joining extends Run {
  readonly id: string
}

/** How long the first digit of a PIN, and each after it, may take, in milliseconds. */
const firstDigitMs = 8_000
const nextDigitMs = 4_000
const pinLength = 16
/** How long a wrong PIN is thought about. */
const wrongPinMs = 1_000

/** Lets somebody in, and says whether as a moderator. Throws a HashdialError that says why not; they have heard it. */
export async function passDoor(run: Joining, row: ConferenceRow, guard: PinGuard): Promise<{ moderator: boolean }> {
  if (row.pin_hash === '' && row.moderator_pin_hash === '') return { moderator: false }
  const tries = guard.triesOf(row.id)
  for (let attempt = 1; attempt <= tries; attempt++) {
    const pin = await askPin(run, attempt)
    const role = await roleOf(pin, row)
    if (role) return { moderator: role === 'moderator' }
    guard.wrong(row.id)
    await delay(wrongPinMs, undefined, { signal: run.signal }).catch(() => run.signal.throwIfAborted())
    await tell(run, `wrong-${attempt}`, 'conf-invalidpin')
  }
  throw new HashdialError('PERMISSION_DENIED', 'WRONG_PIN', 'the caller knew no PIN of the conference')
}

const sounds: Readonly<Record<string, string>> = { CONFERENCE_LOCKED: 'conf-locked', CONFERENCE_FULL: 'conf-full' }

/** Refuses them, in words where there are some for it. */
export async function refuse(run: Joining, reason: string, error?: HashdialError): Promise<never> {
  const sound = sounds[reason]
  if (sound) await tell(run, 'refused', sound)
  throw error ?? new HashdialError('FAILED_PRECONDITION', reason, 'the conference is locked')
}

/** Says how many they will meet. */
export async function tellCount(run: Joining, others: number): Promise<void> {
  await playTo(run, { id: `conference-${run.id}-count`, media: countMedia(others) })
}

/** Has them say their name. Answers the recording's name. */
export async function recordName(run: Joining): Promise<string> {
  const { channelId, node } = run.call
  const name = `name-${run.id}`
  await tell(run, 'name', 'vm-rec-name')
  const inbox = new Inbox(node, run.signal, name)
  try {
    await node.ari.channels.record({
      ...{ channelId, name, format: 'wav', ifExists: 'overwrite', beep: true, terminateOn: 'any' },
      ...{ maxDurationSeconds: 5, maxSilenceSeconds: 2 },
    })
    for (;;) {
      const event = await inbox.next()
      if (event?.type === 'RecordingFailed') return ''
      if (event?.type === 'RecordingFinished') break
    }
    run.call.dtmf.take(0)
    return name
  } finally {
    inbox.close()
  }
}

async function tell(run: Joining, what: string, sound: string): Promise<void> {
  await playTo(run, { id: `conference-${run.id}-${what}`, media: `sound:${sound}` })
}

/** No PIN at all: they are an ordinary participant, where only moderators have one. */
async function roleOf(pin: string, row: ConferenceRow): Promise<'participant' | 'moderator' | undefined> {
  const { pin_hash, moderator_pin_hash } = row
  if (moderator_pin_hash !== '' && pin !== '' && (await isPassword(pin, moderator_pin_hash))) return 'moderator'
  if (pin_hash === '') return pin === '' ? 'participant' : undefined
  return pin !== '' && (await isPassword(pin, pin_hash)) ? 'participant' : undefined
}

/** The digits up to a #, or until they stop coming. Who knows the PIN need not wait for the end of the prompt. */
async function askPin(run: Joining, attempt: number): Promise<string> {
  const since = performance.now()
  const { dtmf } = run.call
  await playTo(run, {
    id: `conference-${run.id}-pin-${attempt}`,
    media: 'sound:conf-getpin',
    keyStops: true,
    untilQuiet: true,
  })
  let pin = ''
  for (let deadline = performance.now() + firstDigitMs; ;) {
    const digits = dtmf.take(since)
    pin += digits
    const end = pin.indexOf('#')
    if (end >= 0) return pin.slice(0, end)
    if (pin.length >= pinLength || performance.now() >= deadline) return pin.slice(0, pinLength)
    if (digits !== '') deadline = performance.now() + nextDigitMs
    await dtmf.change(run.signal, deadline)
  }
}
