import type { DataSource } from '../database.ts'
import { HashdialError } from '../errors.ts'
import type { AiRow } from './row.ts'

/** Throws where an AI talks with as many as it may already, or has talked for as long as it may today (UTC). */
export async function mustBeWithin(database: DataSource, { id, budget }: AiRow): Promise<void> {
  const { concurrent_calls: most, minutes_per_day: minutes } = budget
  if (most > 0) {
    const sql = 'SELECT COUNT(*) AS count FROM aicalls WHERE ai_id = ? AND tm_end IS NULL'
    const [row] = await database.query<[{ count: number }]>(sql, [id])
    if (Number(row.count) >= most) throw exhausted('the AI talks with as many callers as it may at once')
  }
  if (minutes === 0) return
  const [row] = await database.query<[{ seconds: number | null }]>(
    `SELECT SUM(TIMESTAMPDIFF(SECOND, tm_create, COALESCE(tm_end, UTC_TIMESTAMP(6)))) AS seconds FROM aicalls
       WHERE ai_id = ? AND tm_create >= UTC_DATE()`,
    [id],
  )
  if (Number(row.seconds ?? 0) >= minutes * 60) throw exhausted('the AI has talked for as long as it may today')
}

function exhausted(message: string): HashdialError {
  return new HashdialError('RESOURCE_EXHAUSTED', 'AI_BUDGET_EXHAUSTED', message)
}
