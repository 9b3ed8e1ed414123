import { lookup } from 'node:dns/promises'
import { cleanUp } from '../ari/connection.ts'
import type { Direction } from '../ari/operations.ts'
import { HashdialError } from '../errors.ts'
import { ensureBridge } from './bridge.ts'
import type { Call } from './call.ts'
import { waitInStasis } from './snoop.ts'

export interface ExternalMediaOptions {
  /** host:port */
  host: string
  listen: Direction | 'none'
  speak: Direction | 'none'
  format: string
}

/** Connects a snoop channel of the call with a channel that sends RTP to the host. */
export async function startExternalMedia(call: Call, place: string, options: ExternalMediaOptions): Promise<void> {
  const { ari, application: app } = call.node
  const [id, snoopId] = [`external-${place}`, `external_snoop-${place}`]
  const leg = { app, appArgs: 'leg' }
  const external_host = await allowed(call, options.host)
  await ensureBridge(call, id)
  await Promise.all([
    waitInStasis(call, snoopId, () =>
      ari.channels.snoopChannelWithId({
        ...{ channelId: call.channelId, snoopId, spy: options.listen, whisper: options.speak, ...leg },
      }),
    ),
    waitInStasis(call, id, () =>
      ari.channels.externalMedia({ channelId: id, app, external_host, format: options.format }),
    ),
  ])
  await ari.bridges.addChannel({ bridgeId: id, channel: `${snoopId},${id}` })
  // The snoop channel ends with the call; the other, and the bridge, would wait for the next reconciliation.
  void call.over.then(() => stopExternalMedia(call, place))
}

export async function stopExternalMedia({ node: { ari } }: Call, place: string): Promise<void> {
  await cleanUp([
    ...[`external-${place}`, `external_snoop-${place}`].map((channelId) => ari.channels.hangup({ channelId })),
    ari.bridges.destroy({ bridgeId: `external-${place}` }),
  ])
}

/**
 * The host's address, where a customer's flow may send to it. It is looked up here and handed on as an address, so that
 * it cannot be another one when Asterisk looks.
 */
async function allowed(call: Call, host: string): Promise<string> {
  const [, six, name = six, port] = /^(?:\[(.+)\]|(.+)):(\d+)$/.exec(host) ?? []
  const { address } = await lookup(name!).catch(() => ({ address: '' }))
  if (address !== '' && call.exchange.web.allows(address)) return six ? `[${address}]:${port}` : `${address}:${port}`
  const what = address === '' ? 'has no address' : 'is not on the public internet; see HASHDIAL_FETCH_PRIVATE'
  throw new HashdialError('INVALID_ARGUMENT', 'HOST_NOT_ALLOWED', `${name} ${what}`)
}
