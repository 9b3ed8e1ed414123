import { schedule } from 'node-cron'
import type { DataSource } from 'typeorm'
import { toSqlTime } from './database.ts'
import type { Logger } from './log.ts'

/** Something that is done from time to time. */
export interface Job {
  name: string
  /** A cron expression with seconds. */
  every: string
  /** Answers how much there was to repair or remove. */
  run(): Promise<number>
  /** Each process does it for itself, as for its own connections to Asterisk; otherwise only one does it. */
  eachProcess?: boolean
}

/** Runs the jobs at their times until `stop`; what they did is logged and told to `repaired`. */
export function scheduleJobs(
  jobs: readonly Job[],
  database: DataSource,
  log: Logger,
  repaired: (job: string, count: number) => void,
): { stop(): Promise<void> } {
  const run = async (job: Job, time: Date) => {
    try {
      if (!job.eachProcess && !(await claim(database, job.name, time))) return
      const count = await job.run()
      if (count > 0) log.info({ job: job.name, count }, 'repaired or removed')
      repaired(job.name, count)
    } catch (error) {
      log.warn({ err: error as Error, job: job.name }, 'a job failed; it runs again at its next time')
    }
  }
  const tasks = jobs.map((job) =>
    schedule(job.every, ({ date }) => run(job, date), { name: job.name, noOverlap: true, timezone: 'UTC' }),
  )
  return {
    async stop() {
      for (const task of tasks) await task.destroy()
    },
  }
}

/** Is this process the one that runs the job at this time? Only one UPDATE can move tm_run forward. */
async function claim(database: DataSource, name: string, time: Date): Promise<boolean> {
  const tick = toSqlTime(new Date(Math.floor(time.getTime() / 1000) * 1000))
  await database.query(`INSERT IGNORE INTO jobs (name, tm_run) VALUES (?, '2000-01-01 00:00:00')`, [name])
  const moved: { affectedRows: number } = await database.query(
    'UPDATE jobs SET tm_run = ? WHERE name = ? AND tm_run < ?',
    [...[tick, name, tick]],
  )
  return moved.affectedRows === 1
}
