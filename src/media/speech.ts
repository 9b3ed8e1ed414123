import { HashdialError } from '../errors.ts'
import type { Spoken } from '../voice/prompts.ts'
import { passages } from '../voice/sentences.ts'
import { plainText } from '../voice/ssml.ts'
import type { Run } from '../calls/run.ts'
import type { Sounds } from './sounds.ts'
import { playNext, playTo, startPlaying } from './playback.ts'

export interface SpeechOptions {
  /** Deterministic, as that of a playback: each passage has it with its number. */
  id: string
  spoken: Spoken
  /** A key stops it. */
  keyStops?: boolean
  /** The passage to begin with, where earlier ones were heard before a crash. */
  from?: number
  /** Told of each passage after the first before it begins. */
  reached?: (passage: number) => Promise<void>
}

/**
 * Says a text to the caller until its end: a long one begins with its first sentence, and each passage is made while the
 * one before is heard. Throws the call's reason when the call ends, and a HashdialError when it cannot be said.
 */
export async function say(run: Run, sounds: Sounds, options: SpeechOptions): Promise<'done' | 'failed' | 'stopped'> {
  const { id, spoken, keyStops = false, from = 0, reached } = options
  const all = passagesOf(spoken)
  const own = new AbortController() // what was begun ahead is not needed when a key ends it
  const make = (index: number) => ahead(run, sounds, all[index], AbortSignal.any([run.signal, own.signal]))
  const since = performance.now()
  try {
    let next = make(Math.min(from, all.length - 1))
    for (let index = Math.min(from, all.length - 1); next; index++) {
      if (index > from) await reached?.(index)
      const media = await next
      if (keyStops && index > from && run.call.dtmf.pressedSince(since)) return 'stopped'
      next = make(index + 1)
      const played = await playTo(run, { id: `${id}-${index}`, media, keyStops })
      if (played !== 'done') return played
    }
    return 'done'
  } finally {
    own.abort()
  }
}

/** Begins to say a text, and goes on with it while other things are done; what is played next waits for its turn. */
export async function beginToSay(run: Run, sounds: Sounds, id: string, spoken: Spoken): Promise<void> {
  const [first, ...rest] = passagesOf(spoken)
  const make = (passage: Spoken) => sounds.speak(passage, run.signal, run.call.row.customer_id)
  const media = await make(first!)
  await startPlaying(run, `${id}-0`, media)
  // Asterisk plays one after another what it is given, so all of it is given as soon as it is made.
  playNext(run.call, async () => {
    for (const [index, passage] of rest.entries()) {
      await startPlaying(run, `${id}-${index + 1}`, await make(passage))
    }
  })
}

export function passagesOf(spoken: Spoken): Spoken[] {
  const all = passages(plainText(spoken.text))
  if (all.length > 0) return all.map((text) => ({ ...spoken, text }))
  throw new HashdialError('INVALID_ARGUMENT', 'TEXT_EMPTY', 'there is nothing to say in the text')
}

function ahead(
  { call }: Run,
  sounds: Sounds,
  passage: Spoken | undefined,
  signal: AbortSignal,
): Promise<string> | undefined {
  const made = passage && sounds.speak(passage, signal, call.row.customer_id)
  made?.catch(() => undefined) // it is awaited when it is its turn
  return made
}
