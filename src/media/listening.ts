import { cleanUp, type AriNode } from '../ari/connection.ts'
import { ensureBridge, ignoreConflict } from '../calls/bridge.ts'
import type { Call } from '../calls/call.ts'
import { waitInStasis } from '../calls/in-stasis.ts'
import { livesOn, type Run } from '../calls/run.ts'
import { HashdialError } from '../errors.ts'

/** listen: nobody hears the one who listens; whisper: only the one who was called does; barge: both do. */
export type ListenMode = 'listen' | 'whisper' | 'barge'

/** Lets the caller of one call hear another, until either ends. Throws a HashdialError that says why that cannot be. */
export async function listenTo(run: Run, id: string, other: Call, mode: ListenMode): Promise<void> {
  const { call } = run
  if (other.node !== call.node) throw notNow('the call is at another Asterisk')
  const talk = await talkOf(other)
  if (mode === 'barge') return join(run, talk.bridgeId, other)
  if (mode === 'whisper') await refuseBroken(call.node)
  const { channels, bridges } = call.node.ari
  const whisper = mode === 'whisper' ? 'out' : 'none'
  const channelId = mode === 'whisper' ? talk.callee : other.channelId
  try {
    const { application: app } = call.node
    await waitInStasis(run, id, () =>
      channels.snoopChannelWithId({ channelId, snoopId: id, spy: 'both', whisper, app, appArgs: 'leg' }),
    )
    await ensureBridge(call, id)
    await bridges.addChannel({ bridgeId: id, channel: `${call.channelId},${id}` }).catch(ignoreConflict)
    await untilEnd(run, other)
  } finally {
    if (!livesOn(run)) await cleanUp([channels.hangup({ channelId: id }), bridges.destroy({ bridgeId: id })])
  }
}

async function join(run: Run, bridgeId: string, other: Call): Promise<void> {
  const { channelId: channel, node } = run.call
  try {
    await node.ari.bridges.addChannel({ bridgeId, channel }).catch(ignoreConflict)
    await untilEnd(run, other)
  } finally {
    if (!livesOn(run)) await cleanUp([node.ari.bridges.removeChannel({ bridgeId, channel })])
  }
}

/** The bridge in which the caller talks, and the one whom they talk with. */
async function talkOf({ channelId, node }: Call): Promise<{ bridgeId: string; callee: string }> {
  const bridges = await node.ari.bridges.list()
  const bridge = bridges.find(({ channels }) => channels.includes(channelId))
  const callee = bridge?.channels.find((id) => id !== channelId)
  if (bridge && callee) return { bridgeId: bridge.id, callee }
  throw notNow('the caller talks with nobody')
}

async function untilEnd({ signal }: Run, other: Call): Promise<void> {
  signal.throwIfAborted()
  let stop = () => undefined as void
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error)
    signal.addEventListener('abort', stop, { once: true })
  })
  await Promise.race([other.ended, aborted]).finally(() => signal.removeEventListener('abort', stop))
}

/** Who is whispered to in this version may not be connected any more (https://github.com/asterisk/asterisk/issues/2134). */
async function refuseBroken(node: AriNode): Promise<void> {
  const { system } = await node.ari.asterisk.getInfo({ only: 'system' })
  if (/^22\.11\.0/.test(system.version)) throw notNow(`Asterisk ${system.version} cannot whisper without harm`)
}

function notNow(why: string): HashdialError {
  return new HashdialError('FAILED_PRECONDITION', 'NOT_CONNECTED', why)
}
