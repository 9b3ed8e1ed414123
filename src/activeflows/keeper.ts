import type { CallHouse } from '../calls/call.ts'
import type { CallRun } from '../calls/run.ts'
import { handedOver } from '../calls/signals.ts'
import { inTime, storedTooLate } from '../database/write-behind.ts'
import { activeflowEntries, storeActiveflow, type ActiveflowRow } from './activeflow.ts'
import type { Keeper } from './run.ts'
import { Trial } from './trial.ts'

/** Keeps the progress of an activeflow in its row. */
export class RowKeeper implements Keeper {
  readonly trial: Trial

  constructor(
    readonly house: CallHouse,
    readonly run: CallRun,
    readonly flow: ActiveflowRow,
    takenOver: boolean,
  ) {
    this.trial = new Trial(flow, takenOver, () => this.now())
  }

  /** Another process keeps it. */
  get #isHandedOver(): boolean {
    return this.run.signal.reason === handedOver
  }

  get bytes(): number {
    return this.house.writes.bytesOf(this.flow)
  }

  expect(bytes: number): void {
    this.house.writes.expect(this.flow, bytes)
  }

  async now(): Promise<void> {
    if (this.#isHandedOver) return
    await storeActiveflow(this.house, this.flow)
  }

  /**
   * A new call is not begun without its row, which says where its activeflow begins; one that is under way goes on when
   * MySQL does not answer, for a caller is worth more than the cursor, which is stored later.
   */
  async before(isOnTrial: boolean): Promise<void> {
    if (this.#isHandedOver) return
    const { flow, house } = this
    const { writes } = house
    const call = this.run.caller
    const isFirst = call?.stored === false
    const atStart = isFirst && flow.state.executions === 1 && !isOnTrial
    const entries = activeflowEntries(house, flow)
    // What the call has become meanwhile goes along: a recovery looks at both.
    if (call && !isFirst && writes.waits('calls', call.row)) entries.push(['calls', call.row])
    const flowSaved = writes.store(entries, atStart ? 'soon' : 'now')
    flowSaved.catch(() => undefined)
    const saved = Promise.all([atStart ? undefined : flowSaved, isFirst ? call.save() : undefined])
    if (!(await inTime(saved)) && isFirst) throw storedTooLate()
  }
}
