import { randomUUID } from 'node:crypto'
import { unlessGone, type AriNode } from '../ari/connection.ts'
import { AriError } from '../ari/types.ts'
import { Inbox } from '../ari/inbox.ts'

/** How long an announcement may take, in milliseconds; a longer one is talked over by the next. */
const longestMs = 60_000

/** Plays to all who are in a bridge, one after another. */
export class Announcer {
  #last: Promise<void> = Promise.resolve()

  constructor(
    readonly node: AriNode,
    readonly bridgeId: string,
  ) {}

  /** Resolves when it was heard, or cannot be: an announcement that is missed is no reason to end a call. */
  play(media: string): Promise<void> {
    this.#last = this.#last.then(() => this.#play(media))
    return this.#last
  }

  async #play(media: string): Promise<void> {
    const playbackId = `announce-${randomUUID()}`
    const inbox = new Inbox(this.node, new AbortController().signal, playbackId)
    try {
      const { bridgeId } = this
      if (!(await unlessGone(this.node.ari.bridges.playWithId({ bridgeId, playbackId, media })))) return
      const deadline = performance.now() + longestMs
      for (;;) {
        const event = await inbox.next(deadline)
        if (!event || event.type === 'PlaybackFinished') return
      }
    } catch (error) {
      if (!(error instanceof AriError)) throw error
    } finally {
      inbox.close()
    }
  }
}

/** What says how many others there are. */
export function countMedia(others: number): string {
  if (others === 0) return 'sound:conf-onlyperson'
  if (others === 1) return 'sound:conf-onlyone'
  return `sound:conf-thereare,number:${others},sound:conf-otherinparty`
}
