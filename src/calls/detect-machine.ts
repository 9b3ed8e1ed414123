import { cleanUp } from '../ari/connection.ts'
import { Inbox } from '../ari/inbox.ts'
import { AriError } from '../ari/types.ts'
import type { Call } from './call.ts'
import { waitInStasis } from './snoop.ts'

/** app_amd takes 5 s at most where amd.conf says nothing else. */
const patience = 15_000

export interface Answerer {
  status: 'human' | 'machine' | 'notsure' | 'hangup'
  cause: string
}

/**
 * Is it a machine that has answered? app_amd is the dialplan's, and the call's channel is not to leave us for it: a
 * snoop channel hears the party, a Local channel beside it in a bridge carries that to the dialplan
 * (asterisk/hashdial_extensions.conf), and its other half comes to us with what was found.
 */
export async function detectMachine(call: Call, place: string): Promise<Answerer> {
  const { ari } = call.node
  const [id, ear, snoop] = [`amd-${place}`, `amd_ear-${place}`, `amd_snoop-${place}`]
  const leg = { app: call.node.application, appArgs: 'leg' }
  const inbox = new Inbox(call.node, call.signal, ear)
  try {
    await ari.bridges.createWithId({ bridgeId: id, type: 'mixing' })
    await waitInStasis(call, snoop, () =>
      ari.channels.snoopChannelWithId({ channelId: call.channelId, snoopId: snoop, spy: 'in', ...leg }),
    )
    const endpoint = 'Local/amd@hashdial_amd'
    await waitInStasis(call, id, () =>
      ari.channels.create({ endpoint, channelId: id, otherChannelId: ear, originator: call.channelId, ...leg }),
    )
    await ari.bridges.addChannel({ bridgeId: id, channel: `${snoop},${id}` })
    await ari.channels.dial({ channelId: id })
    return await result(inbox)
  } finally {
    inbox.close()
    if (!call.interrupted) await stopDetection(call, place)
  }
}

export async function stopDetection({ node: { ari } }: Call, place: string): Promise<void> {
  await cleanUp([
    ...[`amd-${place}`, `amd_snoop-${place}`].map((channelId) => ari.channels.hangup({ channelId })),
    ari.bridges.destroy({ bridgeId: `amd-${place}` }),
  ])
}

async function result(inbox: Inbox): Promise<Answerer> {
  const deadline = performance.now() + patience
  for (;;) {
    const event = await inbox.next(deadline)
    if (!event || event.type === 'ChannelDestroyed')
      throw new AriError(0, 'app_amd gave no result; is the context hashdial_amd there?')
    if (event.type !== 'StasisStart') continue
    const [, , status = '', cause = ''] = event.args ?? []
    return { status: status.toLowerCase() as Answerer['status'], cause }
  }
}
