import Joi from 'joi'
import { play } from '../actions/play.ts'
import { talk } from '../actions/talk.ts'
import { transcribe_start } from '../actions/transcribe_start.ts'
import { AriError } from '../ari/types.ts'
import type { Member } from '../conferences/member.ts'
import type { Room } from '../conferences/room.ts'
import type { ConferenceRow, ConferencecallRow } from '../conferences/row.ts'
import { decibelsMax, decibelsMin, lock, muteAll, playToAll, sayToAll } from '../conferences/steering.ts'
import { stopTranscribing, transcribe } from '../conferences/steering.ts'
import { HashdialError } from '../errors.ts'
import type { Spoken } from '../voice/prompts.ts'
import { carries } from './carries.ts'
import type { Body, Command } from './resource.ts'

/** What cannot be done because Asterisk is away, or refuses it. */
function inApiWords(error: unknown): never {
  if (!(error instanceof AriError)) throw error
  if (error.status === 0) throw new HashdialError('UNAVAILABLE', 'ASTERISK_AWAY', error.message)
  throw new HashdialError('FAILED_PRECONDITION', 'CONFERENCE_NOT_READY', `Asterisk refused it: ${error.message}`)
}

type Conference = ConferenceRow & { conferencecall_ids: string[] }
type WithRoom = (room: Room, body: Body) => Promise<unknown>

function meeting(summary: string, work: WithRoom, body?: Joi.ObjectSchema): Command<Conference> {
  return {
    ...{ method: 'POST', summary, ...(body && { body }) },
    async run(row, given, site) {
      const conferences = carries(site.conferences)
      if (row.conferencecall_ids.length === 0)
        throw new HashdialError('FAILED_PRECONDITION', 'CONFERENCE_EMPTY', 'nobody is in the conference')
      await work(conferences.roomOf(row), given).catch(inApiWords)
    },
  }
}

/** A conference can be locked while nobody is in it too. */
function setLock(summary: string, locked: boolean): Command<Conference> {
  return {
    ...{ method: 'POST', summary },
    async run(row, _body, site) {
      const conferences = carries(site.conferences)
      if (row.conferencecall_ids.length === 0) await conferences.lockEmpty(row, locked)
      else await lock(conferences.roomOf(row), locked)
    },
  }
}

async function startRecording(room: Room): Promise<void> {
  if (await room.recorder.start(room.settings)) return
  throw new HashdialError('FAILED_PRECONDITION', 'ALREADY_RECORDING', 'the conference is being recorded')
}

async function stopRecording(room: Room): Promise<void> {
  if (await room.recorder.stop()) return
  throw new HashdialError('FAILED_PRECONDITION', 'NOT_RECORDING', 'nothing is being recorded')
}

function spokenOf({ text, language, provider = '', voice_id }: Body): Spoken {
  const or = (value: unknown) => (value as string) || undefined
  return { text: text as string, provider: provider as string, language: or(language), voice: or(voice_id) }
}

const only = (schema: Joi.ObjectSchema, ...fields: string[]): Joi.ObjectSchema =>
  Joi.object(Object.fromEntries(fields.map((field) => [field, schema.extract(field)])))

export const conferenceCommands: Readonly<Record<string, Command<Conference>>> = {
  lock: setLock('Let nobody in any more but moderators', true),
  unlock: setLock('Let callers in again', false),
  mute: meeting('Mute all but moderators', (room) => muteAll(room, true)),
  unmute: meeting('Unmute all', (room) => muteAll(room, false)),
  play: meeting(
    'Play sounds to all who are in it; the answer does not wait for their end',
    (room, { stream_urls }) => playToAll(room, stream_urls as string[]),
    only(play.options, 'stream_urls'),
  ),
  talk: meeting(
    'Say a text to all who are in it; the answer does not wait for its end',
    (room, body) => sayToAll(room, spokenOf(body)),
    only(talk.options, 'text', 'language', 'provider', 'voice_id'),
  ),
  recording_start: meeting('Record it, until recording_stop or the last participant leaves', startRecording),
  recording_stop: meeting('End the recording', stopRecording),
  transcribe: meeting(
    'Write down what each of them says, also of those who come later; each has a transcribe of their own call',
    (room, { language, provider }) =>
      transcribe(room, {
        ...{ language: (language as string) || '', provider: (provider as string) || 'moonshine' },
        ...{ direction: 'in', on_end_flow_id: null },
      }),
    only(transcribe_start.options, 'language', 'provider'),
  ),
  transcribe_stop: meeting('Write nothing down any more', stopTranscribing),
}

type WithMember = (room: Room, member: Member, body: Body) => Promise<unknown>

function participant(summary: string, work: WithMember, body?: Joi.ObjectSchema): Command<ConferencecallRow> {
  return {
    ...{ method: 'POST', summary, ...(body && { body }) },
    async run(row, given, site) {
      const { room, member } = carries(site.conferences).memberOf(row)
      await work(room, member, given).catch(inApiWords)
    },
  }
}

const decibels = Joi.number().integer().min(decibelsMin).max(decibelsMax).unit('dB')

export const conferencecallCommands: Readonly<Record<string, Command<ConferencecallRow>>> = {
  mute: participant('Mute them: the others do not hear them', (room, member) => room.set(member, { muted: true })),
  unmute: participant('Unmute them', (room, member) => room.set(member, { muted: false })),
  hold: participant('Put them on hold: they hear music, and nobody hears them', (room, member) =>
    room.set(member, { held: true }),
  ),
  unhold: participant('Take them back', (room, member) => room.set(member, { held: false })),
  volume: participant(
    'Say how loud they hear the others, and the others them',
    (room, member, body) => room.set(member, body),
    Joi.object({ volume_heard: decibels, volume_spoken: decibels }).min(1),
  ),
  kick: participant('Send them out: their flow goes on', async (_room, member) => member.leave('kicked')),
  moderator: participant(
    'Make them a moderator, or with moderator: false a participant like others',
    (room, member, { moderator = true }) => room.set(member, { moderator: moderator as boolean }),
    Joi.object({ moderator: Joi.boolean() }),
  ),
}
