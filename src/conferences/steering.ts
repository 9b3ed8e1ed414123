import { randomUUID } from 'node:crypto'
import { cleanUp } from '../ari/connection.ts'
import { passagesOf } from '../media/speech.ts'
import type { Spoken } from '../voice/prompts.ts'
import { HashdialError } from '../errors.ts'
import type { TranscribeOptions } from '../media/transcribes.ts'
import { countMedia } from './announcer.ts'
import type { Member } from './member.ts'
import { storeLock } from './meetings.ts'
import { isForModerators, type MenuCommand } from './menu.ts'
import type { Room } from './room.ts'

/** How much louder or softer one press makes it, and how far that goes, in dB. */
const stepDecibels = 3
export const decibelsMin = -30
export const decibelsMax = 20

/** Does what a participant asked for by DTMF. */
export async function obey(room: Room, by: Member, command: MenuCommand): Promise<void> {
  if (!room.settings.menu || (isForModerators(command) && !by.row.moderator)) return
  await commands[command](room, by)
}

const commands: Readonly<Record<MenuCommand, (room: Room, by: Member) => Promise<void> | void>> = {
  async mute(room, by) {
    await room.set(by, { muted: !by.row.muted })
    await tell(by, by.row.muted ? 'sound:conf-now-muted' : 'sound:conf-now-unmuted')
  },
  count: (room, by) => tell(by, countMedia(room.members.size - 1)),
  leave: (_room, by) => by.leave('left'),
  hear_louder: (room, by) => louder(room, by, 'volume_heard', stepDecibels),
  hear_softer: (room, by) => louder(room, by, 'volume_heard', -stepDecibels),
  speak_louder: (room, by) => louder(room, by, 'volume_spoken', stepDecibels),
  speak_softer: (room, by) => louder(room, by, 'volume_spoken', -stepDecibels),
  async lock(room, by) {
    await lock(room, !room.settings.locked)
    await tell(by, room.settings.locked ? 'sound:conf-lockednow' : 'sound:conf-unlockednow')
  },
  kick_last(room) {
    const last = [...room.members.values()].filter(({ row }) => !row.moderator).at(-1)
    last?.leave('kicked')
  },
  mute_all: (room) => muteAll(room, true),
  end: (room) => room.end('ended'),
}

/** Nobody but moderators gets in any more. */
export async function lock(room: Room, locked: boolean): Promise<void> {
  await storeLock(room.house.store, room.settings, locked)
  room.settings = { ...room.settings, locked }
}

/** All but moderators. */
export async function muteAll(room: Room, muted: boolean): Promise<void> {
  const others = [...room.members.values()].filter(({ row }) => !row.moderator)
  await Promise.all(others.map((member) => room.set(member, { muted })))
}

/** How long what is to be played may take to be fetched or made, in milliseconds. */
const soundMs = 20_000

/** Fetches sounds, and plays them to all. Resolves when the first is about to be heard; rejects where one cannot be had. */
export async function playToAll({ announcer, house, settings }: Room, sources: readonly string[]): Promise<void> {
  const signal = AbortSignal.timeout(soundMs)
  const fetch = async (source: string) =>
    /^https?:/i.test(source) ? house.sounds.fetch(source, signal, settings.customer_id) : source
  const media = await Promise.all(sources.map(fetch))
  for (const one of media) void announcer.play(one)
}

/** Says a text to all, a passage after another; resolves when the first is about to be heard. */
export async function sayToAll({ announcer, house, settings }: Room, spoken: Spoken): Promise<void> {
  const speak = (passage: Spoken) => house.sounds.speak(passage, AbortSignal.timeout(soundMs), settings.customer_id)
  const [first, ...rest] = passagesOf(spoken)
  void announcer.play(await speak(first!))
  const others = async () => {
    for (const passage of rest) void announcer.play(await speak(passage))
  }
  others().catch((err: unknown) => house.log.warn({ err: err as Error }, 'not all was said in a conference'))
}

/** Writes down what each of them says, until `stopTranscribing` or they leave. */
export async function transcribe(room: Room, options: TranscribeOptions): Promise<void> {
  room.transcribing = options
  await Promise.all([...room.members.values()].map((member) => transcribeMember(room, member)))
}

export async function stopTranscribing(room: Room): Promise<void> {
  room.transcribing = undefined
  await Promise.all([...room.members.values()].map(({ call }) => room.house.transcribes.stop(call)))
}

/** One whose call is written down already is left as it is. */
export async function transcribeMember({ house, transcribing }: Room, { call }: Member): Promise<void> {
  // Of the form that belongs to the call's activeflow, and never one of the engine's own.
  const place = `${call.row.activeflow_id}-${Date.now()}`
  if (transcribing) await house.transcribes.start({ call }, place, transcribing).catch(unlessTranscribed)
}

function unlessTranscribed(error: unknown): void {
  if (!(error instanceof HashdialError) || error.reason !== 'TRANSCRIBED_ALREADY') throw error
}

async function louder(room: Room, by: Member, which: 'volume_heard' | 'volume_spoken', more: number): Promise<void> {
  const decibels = Math.min(decibelsMax, Math.max(decibelsMin, by.row[which] + more))
  await room.set(by, { [which]: decibels })
}

/** They are not heard meanwhile, and hear nothing else: Asterisk takes them out of the mix for what is played to one. */
async function tell({ call: { channelId, node } }: Member, media: string): Promise<void> {
  await cleanUp([node.ari.channels.playWithId({ channelId, playbackId: `menu-${randomUUID()}`, media })])
}
