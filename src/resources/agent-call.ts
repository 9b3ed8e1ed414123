import { Entity, Index } from 'typeorm'
import { Exact, Key, KeyOf, Time } from '../database/columns.ts'

/** A call of an agent that no queue has brought it; see sql/016-queues.sql. */
@Entity({ name: 'agent_calls' })
@Index('agent_calls_agent', ['agent_id'])
export class AgentCall {
  @Key(64) node: string
  @Key(96) channel_id: string
  @KeyOf('agents', 'agent_calls_owner') agent_id: string
  @Exact(255) aor: string
  @Time() tm_create: string
}
