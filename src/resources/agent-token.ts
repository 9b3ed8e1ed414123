import { Entity, Index } from 'typeorm'
import { fromSqlTime, now, toSqlTime, type DataSource, type EntityManager } from '../database.ts'
import { BelongsTo, Key, Time } from '../database/columns.ts'
import { hashToken, newToken } from './accesskey.ts'

/** What an agent got for its password. */
@Entity({ name: 'agent_tokens' })
@Index('agent_tokens_old', ['tm_expire'])
export class AgentToken {
  @Key(64) token_hash: string
  @BelongsTo('agents', 'agent_tokens_agent') agent_id: string
  @Time() tm_expire: string
  @Time() tm_create: string
}

/** A working day, and a little more. */
const tokenHours = 12

/** A new token of the agent; undefined: its password was changed, or it was deleted, since somebody looked. */
export async function issueToken(
  database: DataSource,
  agent: { id: string; password_hash: string },
): Promise<{ token: string; tm_expire: string } | undefined> {
  const token = newToken('ha')
  const tm_expire = toSqlTime(new Date(Date.now() + tokenHours * 3_600_000))
  // The row is locked: whoever changes the password comes before, and is seen, or after, and removes this token too.
  const { affectedRows } = await database.query<{ affectedRows: number }>(
    'INSERT INTO agent_tokens (token_hash, agent_id, tm_expire, tm_create) ' +
      'SELECT ?, id, ?, ? FROM agents WHERE id = ? AND password_hash = ? LOCK IN SHARE MODE',
    [hashToken(token), tm_expire, toSqlTime(now()), agent.id, agent.password_hash],
  )
  return affectedRows === 1 ? { token, tm_expire: fromSqlTime(tm_expire) } : undefined
}

export async function removeTokens(manager: EntityManager, agent_id: string): Promise<void> {
  await manager.delete(AgentToken, { agent_id })
}

/** Whose token this is, if it is one that still works. */
export async function agentOfToken(
  database: { query(sql: string, parameters: unknown[]): Promise<{ id: string; customer_id: string }[]> },
  token: string,
): Promise<{ id: string; customer_id: string } | undefined> {
  if (!/^ha_[0-9A-Za-z]{32}$/.test(token)) return undefined
  const rows = await database.query(
    'SELECT a.id, a.customer_id FROM agent_tokens t JOIN agents a ON a.id = t.agent_id ' +
      'WHERE t.token_hash = ? AND t.tm_expire > UTC_TIMESTAMP(6)',
    [hashToken(token)],
  )
  return rows[0]
}
