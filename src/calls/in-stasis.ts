import { unlessGone } from '../ari/connection.ts'
import { Inbox } from '../ari/inbox.ts'
import type { Run } from './run.ts'

/**
 * Makes a channel beside the call's and waits until it is in Stasis: before that it can be put into no bridge and not be
 * recorded. One of an earlier run is found.
 */
export async function waitInStasis(
  { call, signal, recovered }: Run,
  id: string,
  make: () => Promise<unknown>,
): Promise<void> {
  if (recovered && (await unlessGone(call.node.ari.channels.get({ channelId: id })))) return
  const inbox = new Inbox(call.node, signal, id)
  try {
    await make()
    for (;;) {
      const event = await inbox.next(performance.now() + 5_000)
      if (!event) throw new Error(`the channel ${id} did not come into Stasis`)
      if (event.type === 'StasisStart') return
      if (event.type === 'ChannelDestroyed') throw new Error(`the channel ${id} ended at once`)
    }
  } finally {
    inbox.close()
  }
}
