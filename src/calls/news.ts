import type { Entry } from '../database/write-behind.ts'
import type { EventOf, EventRow } from '../events/event.ts'
import type { CallRow } from './row.ts'

/** What happened to a call and is not stored yet. */
export class News {
  readonly #events: EventRow[] = []
  #isAnnounced = false

  constructor(
    readonly row: CallRow,
    readonly eventOf: EventOf,
  ) {}

  /** Nobody is told of a call before it is known whose it is. */
  add(what: string): void {
    if (this.row.customer_id !== '') this.#events.push(this.eventOf('call', what, this.row))
  }

  /** All of it, for the unit that the row is stored in; of a new call that it is there. */
  take(isStored: boolean): Entry[] {
    if (!isStored && !this.#isAnnounced) this.#events.unshift(...this.#beginning())
    this.#isAnnounced = true
    return this.#events.splice(0).map((event) => ['events', event])
  }

  #beginning(): EventRow[] {
    const what = this.row.direction === 'incoming' ? ['created', 'ringing'] : ['created']
    return what.map((one) => this.eventOf('call', one, this.row))
  }
}
