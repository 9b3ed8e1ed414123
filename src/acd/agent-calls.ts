import { unlessGone, type AriNode } from '../ari/connection.ts'
import type { DeviceCall, DeviceListener, DeviceWatch } from '../calls/device-watch.ts'
import type { PartKind } from '../calls/parts.ts'
import { now, toSqlTime, transaction } from '../database.ts'
import type { Logger } from '../log.ts'
import { occupy, vacate } from './agents.ts'
import type { Store } from './queuecall.ts'

/** How long it is known that nobody has agents, in milliseconds: most calls have nothing to do with one. */
const noneMs = 5_000

interface AgentCall {
  agent_id: string
  channel_id: string
  aor: string
}

/** The calls of agents that no queue has brought them: they are ringing, or busy, while these last. */
export class AgentCalls implements PartKind, DeviceListener {
  /** Changes of one channel follow one another. */
  readonly #last = new Map<string, Promise<void>>()
  #noneUntil = 0

  constructor(
    readonly store: Store,
    readonly devices: DeviceWatch,
    readonly log: Logger,
    /** An agent may be free. */
    readonly freed: () => void,
  ) {
    devices.listener = this
  }

  changed(call: DeviceCall, state: 'ringing' | 'busy' | 'free'): void {
    if (performance.now() < this.#noneUntil && state !== 'free') return
    const key = `${call.node.name} ${call.channelId}`
    const done = (this.#last.get(key) ?? Promise.resolve())
      .then(() => (state === 'free' ? this.#end(call) : this.#begin(call, state)))
      .catch((err: unknown) =>
        this.log.warn({ err: err as Error }, 'what an agent does is not stored; it is looked at again'),
      )
      .finally(() => this.#last.get(key) === done && this.#last.delete(key))
    this.#last.set(key, done)
  }

  /** Goes on with what an earlier process has seen, and ends what nobody has seen the end of. */
  async adopt(node: AriNode): Promise<void> {
    const rows: AgentCall[] = await this.store.database.query(
      'SELECT DISTINCT channel_id, aor FROM agent_calls WHERE node = ?',
      [node.name],
    )
    for (const { channel_id: channelId, aor } of rows) {
      const call = { node, channelId, aor }
      const channel = await unlessGone(node.ari.channels.get({ channelId }))
      if (channel) this.devices.watch(call, channel.state === 'Up' ? 'busy' : 'ringing')
      else this.devices.gone(call)
    }
  }

  async #begin({ aor, channelId, node }: DeviceCall, state: 'ringing' | 'busy'): Promise<void> {
    const { database, eventOf } = this.store
    const [username, domain] = aor.split('@')
    const agents: { id: string }[] = await database.query(
      `SELECT a.id FROM extensions e JOIN agents a ON a.customer_id = e.customer_id
         AND a.addresses LIKE CONCAT('%"', e.id, '"%') WHERE e.domain_name = ? AND e.username = ? ORDER BY a.id`,
      [domain, username],
    )
    if (agents.length === 0) return this.#lookForAny()
    await transaction(database, async (manager) => {
      for (const { id } of agents) {
        await manager.query(
          `INSERT INTO agent_calls (node, channel_id, agent_id, aor, tm_create) VALUES (?, ?, ?, ?, ?)
             ON DUPLICATE KEY UPDATE aor = aor`,
          [node.name, channelId, id, aor, toSqlTime(now())],
        )
        await occupy({ manager, eventOf }, id, state)
      }
    })
  }

  async #lookForAny(): Promise<void> {
    const rows: unknown[] = await this.store.database.query('SELECT id FROM agents LIMIT 1')
    if (rows.length === 0) this.#noneUntil = performance.now() + noneMs
  }

  async #end({ channelId, node }: DeviceCall): Promise<void> {
    const { database, eventOf } = this.store
    const rows: AgentCall[] = await database.query(
      'SELECT agent_id FROM agent_calls WHERE node = ? AND channel_id = ? ORDER BY agent_id',
      [node.name, channelId],
    )
    if (rows.length === 0) return
    await transaction(database, async (manager) => {
      await manager.query('DELETE FROM agent_calls WHERE node = ? AND channel_id = ?', [node.name, channelId])
      for (const { agent_id } of rows) await vacate({ manager, eventOf }, agent_id)
    })
    this.freed()
  }
}
