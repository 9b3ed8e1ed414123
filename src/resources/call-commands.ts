import Joi from 'joi'
import { mute } from '../actions/mute.ts'
import { play } from '../actions/play.ts'
import { recording_start } from '../actions/recording_start.ts'
import { talk } from '../actions/talk.ts'
import { AriError } from '../ari/types.ts'
import type { Call, CallRow } from '../calls/call.ts'
import { destination, type Destination } from '../calls/party.ts'
import { HashdialError } from '../errors.ts'
import { CallElsewhere } from '../nodes/elsewhere.ts'
import type { Body, Command, Site } from './resource.ts'

type Work = (call: Call, body: Body, site: Site) => Promise<void>

/** What can be done to a call while it lasts, beside what its flow does. Only the process that carries it can do it. */
function command(summary: string, body: Joi.ObjectSchema | undefined, work: Work): Command<CallRow> {
  return {
    ...{ method: 'POST', summary, ...(body && { body }) },
    run: (row, given, site) => work(liveCall(row, site), given, site),
  }
}

/** An action of flows, with its own options and defaults, that runs beside what the call's flow does. */
function action(type: string, summary: string, body?: Joi.ObjectSchema): Command<CallRow> {
  return command(summary, body, async (call, option, { activeflows }) => {
    await activeflows?.command(call, { type, option })
  })
}

function liveCall(row: CallRow, { calls }: Site): Call {
  if (row.tm_hangup !== null)
    throw new HashdialError('FAILED_PRECONDITION', 'CALL_ALREADY_HANGUP', 'the call has ended already')
  const call = calls?.get?.(row.id)
  if (call) return call
  throw new CallElsewhere(row.node)
}

async function hold({ channelId, node: { ari } }: Call, { hold: wanted = true }: Body): Promise<void> {
  const held = wanted ? ari.channels.hold({ channelId }) : ari.channels.unhold({ channelId })
  await held.catch((error: unknown) => {
    if (!(error instanceof AriError)) throw error
    if (error.status === 0) throw new HashdialError('UNAVAILABLE', 'ASTERISK_AWAY', error.message)
    throw new HashdialError('FAILED_PRECONDITION', 'CALL_NOT_READY', `Asterisk refused it: ${error.message}`)
  })
}

export const callCommands: Readonly<Record<string, Command<CallRow>>> = {
  hold: command(
    'Put the caller on hold, or with hold: false take them back',
    Joi.object({ hold: Joi.boolean() }),
    hold,
  ),
  mute: action('mute', 'Mute a direction, or with muted: false unmute it', mute.options),
  play: action('play', 'Play to the caller; the answer waits for the beginning only', play.options),
  talk: action('talk', 'Say a text to the caller; the answer waits for the beginning only', talk.options),
  recording_start: action('recording_start', 'Record both parties', recording_start.options),
  recording_stop: action('recording_stop', 'End its recordings'),
  transfer: command(
    'Send the caller to somebody else, in place of the one they talk with: when nobody answers there, they talk on',
    Joi.object({ destination: destination.required() }),
    async (call, body, { activeflows }) => activeflows?.transfer(call, body.destination as Destination),
  ),
}
