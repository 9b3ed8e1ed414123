import { listen, tell } from './far.ts'
import type { Answer, Question } from './pool.ts'

/** The far side of `Pool`: answers each job with what `work` returns, or with what was wrong. */
export function answerJobs<Job, Result>(work: (job: Job) => Result | Promise<Result>): void {
  listen(async ({ id, job }: Question<Job>) => {
    let answer: Answer<Result>
    try {
      answer = { id, result: await work(job) }
    } catch (error) {
      answer = { id, error: error instanceof Error ? error.message : String(error) }
    }
    tell(answer)
  })
}
