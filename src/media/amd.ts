import { Inbox } from '../ari/inbox.ts'
import { AriError } from '../ari/types.ts'
import type { Call } from '../calls/call.ts'
import { livesOn, type Run } from '../calls/run.ts'
import { closeFork, openFork } from './media-fork.ts'

/** app_amd takes 5 s at most where amd.conf says nothing else. */
const timeoutMs = 15_000

export interface AmdResult {
  status: 'human' | 'machine' | 'notsure' | 'hangup'
  cause: string
}

/**
 * Is it a machine that has answered? app_amd is the dialplan's, and the call's channel is not to leave us for it: a fork
 * of its sound goes to a Local channel, which carries it to the dialplan (asterisk/hashdial_extensions.conf), and whose
 * other half comes to us with what was found.
 */
export async function detectMachine(run: Run, place: string): Promise<AmdResult> {
  const { node, channelId } = run.call
  const otherChannelId = `amd_ear-${place}`
  const inbox = new Inbox(node, run.signal, otherChannelId)
  try {
    const leg = { app: node.application, appArgs: 'leg', originator: channelId }
    const endpoint = 'Local/amd@hashdial_amd'
    const farId = await openFork(run, { kind: 'amd', place, spy: 'in' }, (id) =>
      node.ari.channels.create({ endpoint, channelId: id, otherChannelId, ...leg }),
    )
    await node.ari.channels.dial({ channelId: farId! })
    return await result(inbox)
  } finally {
    inbox.close()
    if (!livesOn(run)) await stopDetection(run.call, place)
  }
}

export async function stopDetection({ node }: Pick<Call, 'node'>, place: string): Promise<void> {
  await closeFork(node, { kind: 'amd', place })
}

async function result(inbox: Inbox): Promise<AmdResult> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const event = await inbox.next(deadline)
    if (!event || event.type === 'ChannelDestroyed')
      throw new AriError(0, 'app_amd gave no result; is the context hashdial_amd there?')
    if (event.type !== 'StasisStart') continue
    const [, , status = '', cause = ''] = event.args ?? []
    return { status: status.toLowerCase() as AmdResult['status'], cause }
  }
}
