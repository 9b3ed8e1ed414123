import { randomUUID } from 'node:crypto'
import { cleanUp, unlessGone, type AriNode } from '../ari/connection.ts'
import type { Direction } from '../ari/operations.ts'
import { waitInStasis } from '../calls/in-stasis.ts'
import type { Run } from '../calls/run.ts'

/**
 * The sound of a call beside it: a snoop channel hears the call, and may speak into it, and a bridge joins that with a
 * far channel. `<kind>-<place>` is the bridge. Directions are as seen from the caller's channel: `in` is what they say.
 */
export interface MediaFork {
  readonly kind: string
  readonly place: string
  readonly spy: Direction | 'none'
  readonly whisper?: Direction | 'none'
  /** The far channel works without this process: one of an earlier run stays. */
  readonly survives?: boolean
}

type Named = Pick<MediaFork, 'kind' | 'place'>

const bridgeOf = ({ kind, place }: Named): string => `${kind}-${place}`

/**
 * Opens it; `makeFar` makes the far channel with the id that it is given, which has to come into Stasis. What an earlier
 * process has left is found in the bridge and, unless it survives, removed. A channel's name is free again only when the
 * channel is quite gone, so these have new names each time. Answers the far channel's id; undefined: it was there.
 */
export async function openFork(
  run: Run,
  fork: MediaFork,
  makeFar: (id: string) => Promise<unknown>,
): Promise<string | undefined> {
  const { channelId, node } = run.call
  const { ari, application: app } = node
  const bridgeId = bridgeOf(fork)
  const own = `${fork.place}-${randomUUID().slice(0, 8)}`
  const [snoopId, farId] = [`${fork.kind}_snoop-${own}`, `${fork.kind}_far-${own}`]
  const left = await unlessGone(ari.bridges.get({ bridgeId }))
  if (fork.survives && left?.channels.length === 2) return undefined
  if (left) await cleanUp(left.channels.map((id) => ari.channels.hangup({ channelId: id })))
  else await ari.bridges.createWithId({ bridgeId, type: 'mixing' })
  const { spy, whisper = 'none' } = fork
  const fresh = { ...pick(run), recovered: false }
  try {
    await waitInStasis(fresh, snoopId, () =>
      ari.channels.snoopChannelWithId({ channelId, snoopId, spy, whisper, app, appArgs: 'leg' }),
    )
    await waitInStasis(fresh, farId, () => makeFar(farId))
    await ari.bridges.addChannel({ bridgeId, channel: `${snoopId},${farId}` })
    return farId
  } catch (error) {
    await cleanUp([snoopId, farId].map((id) => ari.channels.hangup({ channelId: id })))
    throw error
  }
}

const pick = ({ call, signal }: Run): Pick<Run, 'call' | 'signal'> => ({ call, signal })

/** Removes what is there of it. */
export async function closeFork({ ari }: AriNode, fork: Named): Promise<void> {
  const bridgeId = bridgeOf(fork)
  const remove = async () => {
    const left = await unlessGone(ari.bridges.get({ bridgeId }))
    if (!left) return
    await cleanUp(left.channels.map((channelId) => ari.channels.hangup({ channelId })))
    await ari.bridges.destroy({ bridgeId })
  }
  await cleanUp([remove()])
}
