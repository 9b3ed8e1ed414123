import { lookup } from 'node:dns/promises'
import type { Direction } from '../ari/operations.ts'
import type { Call } from '../calls/call.ts'
import type { Run } from '../calls/run.ts'
import { HashdialError } from '../errors.ts'
import type { Web } from '../web.ts'
import { closeFork, openFork } from './media-fork.ts'

export interface ExternalMediaOptions {
  /** host:port */
  host: string
  listen: Direction | 'none'
  speak: Direction | 'none'
  format: string
}

/** Forks the call's sound to a channel that sends RTP to the host. Asterisk alone carries it, so it survives a crash. */
export async function startExternalMedia(
  run: Run,
  place: string,
  options: ExternalMediaOptions,
  web: Web,
): Promise<void> {
  const { call } = run
  const { node } = call
  const { listen: spy, speak: whisper, format } = options
  const external_host = await allowed(web, options.host)
  await openFork(run, { kind: 'external', place, spy, whisper, survives: true }, (channelId) =>
    node.ari.channels.externalMedia({ channelId, app: node.application, external_host, format }),
  )
  // The snoop channel ends with the call; the other, and the bridge, would wait for the next reconciliation.
  void call.ended.then(() => (call.hasEnded ? stopExternalMedia(call, place) : undefined))
}

export async function stopExternalMedia({ node }: Pick<Call, 'node'>, place: string): Promise<void> {
  await closeFork(node, { kind: 'external', place })
}

/**
 * The host's address, where a customer's flow may send to it. It is looked up here and handed on as an address, so that
 * it cannot be another one when Asterisk looks.
 */
async function allowed(web: Web, host: string): Promise<string> {
  const [, six, name = six, port] = /^(?:\[(.+)\]|(.+)):(\d+)$/.exec(host) ?? []
  const { address } = await lookup(name!).catch(() => ({ address: '' }))
  if (address !== '' && web.allows(address)) return six ? `[${address}]:${port}` : `${address}:${port}`
  const what = address === '' ? 'has no address' : 'is not on the public internet; see HASHDIAL_FETCH_PRIVATE'
  throw new HashdialError('INVALID_ARGUMENT', 'HOST_NOT_ALLOWED', `${name} ${what}`)
}
