import { parentPort } from 'node:worker_threads'
import type { Answer, Question } from './threads.ts'

/** The other end of `Threads`: answers each job with what `work` returns, or with what was wrong. */
export function answerJobs<Job, Result>(work: (job: Job) => Result): void {
  parentPort?.on('message', ({ id, job }: Question<Job>) => {
    let answer: Answer<Result>
    try {
      answer = { id, result: work(job) }
    } catch (error) {
      answer = { id, error: error instanceof Error ? error.message : String(error) }
    }
    parentPort?.postMessage(answer)
  })
}
