import Joi from 'joi'
import { mute } from '../actions/mute.ts'
import { mediaOf, play } from '../actions/play.ts'
import { recording_start } from '../actions/recording_start.ts'
import { talk } from '../actions/talk.ts'
import type { Direction } from '../ari/operations.ts'
import { AriError } from '../ari/types.ts'
import type { Call, CallRow } from '../calls/call.ts'
import { playTo } from '../calls/playback.ts'
import type { RecordOptions } from '../calls/recordings.ts'
import { beginToSay } from '../calls/speech.ts'
import { HashdialError } from '../errors.ts'
import type { Body, Command, Site } from './resource.ts'

type Work = (call: Call, body: Body, place: string) => Promise<void>

/** What can be done to a call while it lasts, beside what its flow does. Only the process that carries it can do it. */
function command(summary: string, body: Joi.ObjectSchema | undefined, work: Work): Command<CallRow> {
  return {
    ...{ method: 'POST', summary, ...(body && { body }) },
    async run(row, given, site) {
      const call = liveCall(row, site)
      // Of the form that belongs to the call's activeflow, and never one of the engine's places.
      await work(call, given, `${row.activeflow_id}-${Date.now()}`).catch((error: unknown) => {
        if (!(error instanceof AriError)) throw error
        if (error.status === 0) throw new HashdialError('UNAVAILABLE', 'ASTERISK_AWAY', error.message)
        throw new HashdialError('FAILED_PRECONDITION', 'CALL_NOT_READY', `Asterisk refused it: ${error.message}`)
      })
    },
  }
}

function liveCall(row: CallRow, { calls }: Site): Call {
  if (row.tm_hangup !== null)
    throw new HashdialError('FAILED_PRECONDITION', 'CALL_ALREADY_HANGUP', 'the call has ended already')
  const call = calls?.get?.(row.id)
  if (call) return call
  throw new HashdialError(
    'UNAVAILABLE',
    'CALL_ELSEWHERE',
    'this process does not carry the call: ask the one that does',
  )
}

export const callCommands: Readonly<Record<string, Command<CallRow>>> = {
  hold: command(
    'Put the caller on hold, or with hold: false take him back',
    Joi.object({ hold: Joi.boolean() }),
    async ({ node: { ari }, channelId }, { hold = true }) =>
      hold ? ari.channels.hold({ channelId }) : ari.channels.unhold({ channelId }),
  ),
  mute: command('Mute a direction, or with muted: false unmute it', mute.options, async (call, body) => {
    const { direction = 'both', muted = true } = body as { direction?: Direction; muted?: boolean }
    const { channels } = call.node.ari
    const what = { channelId: call.channelId, direction }
    await (muted ? channels.mute(what) : channels.unmute(what))
  }),
  play: command('Play to the caller; the answer does not wait for it', play.options, async (call, body, place) => {
    const { stream_urls: urls } = body as { stream_urls: string[] }
    const first = await mediaOf(call, urls[0]!)
    void (async () => {
      for (const [index, url] of urls.entries()) {
        const media = index === 0 ? first : await mediaOf(call, url)
        await playTo(call, { id: `play-${place}-${index}`, media })
      }
    })().catch((error: unknown) => call.log.warn({ err: error as Error }, 'not all was played'))
  }),
  talk: command(
    'Say a text to the caller; the answer does not wait for it',
    talk.options,
    async (call, body, place) => {
      const { text, language, provider = '', voice_id: voice } = body as Record<string, string>
      await beginToSay(call, `talk-${place}`, { provider, voice, language, text: text! })
    },
  ),
  recording_start: command('Record both parties', recording_start.options, (call, body, place) => {
    const { duration = 0, end_of_silence = 0, end_of_key = '', on_end_flow_id = null } = body as Partial<RecordOptions>
    return call.exchange.recordings.start(call, place, { duration, end_of_silence, end_of_key, on_end_flow_id })
  }),
  recording_stop: command('End its recordings', undefined, async (call) => {
    if ((await call.exchange.recordings.stop(call)) === 0)
      throw new HashdialError('FAILED_PRECONDITION', 'NOT_RECORDING', 'nothing is being recorded')
  }),
}
