import { Inbox } from '../ari/inbox.ts'
import type { AriEvent } from '../ari/types.ts'
import type { Run } from '../calls/run.ts'
import type { CallbackPlace, QueuecallRow } from './row.ts'

/** What happens to a caller who waits. */
export type News =
  /** It may be told twice: `number` counts the offers. */
  | { what: 'offered'; agentIds: readonly string[]; number: number }
  | { what: 'answered'; agentId: string }
  | { what: 'rung'; talked: boolean; status: number }
  | { what: 'kicked' }
  | { what: 'callback'; place: CallbackPlace }
  | { what: 'empty' }
  /** The time is over. */
  | { what: 'late' }

/** A caller who waits, as those see them who have something for them. */
export class Waiter {
  readonly #inbox: Inbox

  constructor(
    readonly row: QueuecallRow,
    run: Pick<Run, 'call' | 'signal'>,
  ) {
    this.#inbox = new Inbox(run.call.node, run.signal)
  }

  tell(news: News): void {
    this.#inbox.push({ type: 'news of the queue', news } as AriEvent)
  }

  /** The next of it. Throws the run's reason when that is over. */
  async next(deadline: number): Promise<News> {
    const event = await this.#inbox.next(deadline)
    return event ? (event as AriEvent & { news: News }).news : { what: 'late' }
  }

  close(): void {
    this.#inbox.close()
  }
}
