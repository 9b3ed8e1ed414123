import type { ConferenceRow, ConferencecallRow } from './row.ts'

/** How a participant's channel is to be at the moment. */
export interface Sound {
  /** It is in the conference's bridge. */
  bridged: boolean
  /** Nothing that its party says is heard. */
  muted: boolean
  /** It hears music, and nothing else. */
  music: boolean
}

/** What decides it, beside the participant. */
export interface Meeting {
  readonly settings: Pick<ConferenceRow, 'before_moderator' | 'music_when_alone'>
  readonly hasModerator: boolean
  /** How many are in it. */
  readonly count: number
}

/** How the channel of one participant has to be. It is a matter of what is the case, and never of what was before. */
export function soundOf(
  { moderator, muted, held }: Pick<ConferencecallRow, 'moderator' | 'muted' | 'held'>,
  { settings, hasModerator, count }: Meeting,
): Sound {
  const waits = !moderator && !hasModerator && settings.before_moderator !== 'open'
  if (waits && settings.before_moderator === 'music') return { bridged: false, muted: true, music: true }
  const isAlone = count === 1 && settings.music_when_alone
  return { bridged: true, muted: muted || held || waits, music: held || isAlone }
}

/** Asterisk multiplies: VOLUME() has no decibels (func_volume.c). */
export const factorOf = (decibels: number): string => (10 ** (decibels / 20)).toFixed(3)
