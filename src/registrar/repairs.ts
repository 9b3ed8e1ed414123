import { unhurried, type DataSource } from '../database.ts'

/** Something that has to be put right, or thrown away, from time to time, and that only needs the database. */
export interface Repair {
  name: string
  /** A cron expression with seconds, in UTC. */
  every: string
  /** Resolves to how many rows there were. */
  run(database: DataSource): Promise<number>
}

interface Retention {
  readonly callRetentionDays: number
  readonly eventRetentionDays: number
  readonly recordingRetentionDays: number
  readonly failureRetentionDays: number
}

export function repairs(days: Retention): Repair[] {
  const { callRetentionDays, recordingRetentionDays, failureRetentionDays, eventRetentionDays } = days
  return [
    // The API has shown these as unregistered since they expired; Kamailio removes those that it knows of.
    removal('registrations', '*/10 * * * * *', 'tm_expire < UTC_TIMESTAMP(6) - INTERVAL ? SECOND', 30),
    removal(
      'registration_failures',
      '0 7 * * * *',
      'tm_last < UTC_TIMESTAMP(6) - INTERVAL ? DAY',
      failureRetentionDays,
    ),
    removal('guess_blocks', '0 8 * * * *', 'tm_create < UTC_TIMESTAMP(6) - INTERVAL ? DAY', failureRetentionDays),
    removal('edges', '0 9 * * * *', 'tm_seen < UTC_TIMESTAMP(6) - INTERVAL ? DAY', 1),
    removal('calls', '0 17 * * * *', 'tm_hangup < UTC_TIMESTAMP(6) - INTERVAL ? DAY', callRetentionDays),
    removal('groupcalls', '0 22 * * * *', 'tm_hangup < UTC_TIMESTAMP(6) - INTERVAL ? DAY', callRetentionDays),
    removal('activeflows', '0 27 * * * *', 'tm_end < UTC_TIMESTAMP(6) - INTERVAL ? DAY', callRetentionDays),
    // The history of a queue is made of them (GET /v1.0/queues/{id}/history).
    removal(
      'queuecalls',
      '0 34 * * * *',
      'tm_end < UTC_TIMESTAMP(6) - INTERVAL ? DAY',
      Math.max(historyDays, callRetentionDays),
    ),
    removal('conferencecalls', '0 32 * * * *', 'tm_end < UTC_TIMESTAMP(6) - INTERVAL ? DAY', callRetentionDays),
    removal('events', '0 12 * * * *', 'tm_create < UTC_TIMESTAMP(6) - INTERVAL ? DAY', eventRetentionDays),
    removal('webhook_deliveries', '0 13 * * * *', 'tm_create < UTC_TIMESTAMP(6) - INTERVAL ? DAY', eventRetentionDays),
    removal('agent_tokens', '0 10 * * * *', 'tm_expire < UTC_TIMESTAMP(6) - INTERVAL ? DAY', 1),
    // With their transcripts. Recordings have files and are not removed here.
    removal('transcribes', '0 47 * * * *', 'tm_end < UTC_TIMESTAMP(6) - INTERVAL ? DAY', recordingRetentionDays),
  ]
}

/** For so long the history of a queue is there at least. */
const historyDays = 90

/** A thousand rows at a time: one statement over a million would hold their locks, and everyone else, for minutes. */
const batch = 1000

function removal(table: string, every: string, old: string, age: number): Repair {
  return {
    ...{ name: `old ${table}`, every },
    async run(database) {
      for (let count = 0; ;) {
        const sql = unhurried(`DELETE FROM ${table} WHERE ${old} LIMIT ${batch}`)
        const { affectedRows } = await database.query<{ affectedRows: number }>(sql, [age])
        count += affectedRows
        if (affectedRows < batch) return count
      }
    },
  }
}
