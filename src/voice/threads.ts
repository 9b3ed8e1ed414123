import { Worker } from 'node:worker_threads'
import { HashdialError } from '../errors.ts'

export interface ThreadsOptions {
  /** The thread’s file; see `answerJobs`. */
  file: URL
  /** What each thread is given at its start: `workerData.data`. */
  data: unknown
  count: number
  /** A job that takes longer has lost its way: its thread is ended. */
  jobSeconds: number
  /** More waiting jobs than this are refused, so that a rush does not become a silence that lasts for minutes. */
  waiting: number
}

export interface Question<Job> {
  id: number
  job: Job
}
export type Answer<Result> = { id: number; result: Result } | { id: number; error: string }

interface Task<Job, Result> {
  job: Job
  signal: AbortSignal
  resolve: (result: Result) => void
  reject: (error: Error) => void
}

/**
 * A few threads for work that would hold the event loop up. They start when there is something to do, one job at a time
 * each. A job that is aborted while it waits is never begun; one that has begun ends unheard.
 */
export class Threads<Job, Result> {
  readonly #idle: Thread<Job, Result>[] = []
  readonly #all = new Set<Thread<Job, Result>>()
  readonly #waiting = new Set<Task<Job, Result>>()

  constructor(readonly options: ThreadsOptions) {}

  run(job: Job, signal: AbortSignal): Promise<Result> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      if (this.#waiting.size >= this.options.waiting) {
        throw new HashdialError('RESOURCE_EXHAUSTED', 'SPEECH_BUSY', 'too much speech is waiting; try again later')
      }
      const task: Task<Job, Result> = { job, signal, resolve, reject }
      const abort = () => {
        this.#waiting.delete(task)
        reject(signal.reason as Error)
      }
      const settled = () => signal.removeEventListener('abort', abort)
      task.resolve = (result) => (settled(), resolve(result))
      task.reject = (error) => (settled(), reject(error))
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.add(task)
      this.#next()
    })
  }

  async close(): Promise<void> {
    const gone = new HashdialError('UNAVAILABLE', 'SPEECH_STOPPED', 'Hashdial is being stopped')
    for (const task of this.#waiting) task.reject(gone)
    this.#waiting.clear()
    await Promise.all([...this.#all].map((thread) => thread.end(gone)))
  }

  #next(): void {
    const [task] = this.#waiting
    if (!task) return
    const thread = this.#idle.pop() ?? (this.#all.size < this.options.count ? this.#start() : undefined)
    if (!thread) return
    this.#waiting.delete(task)
    void thread.run(task).then(() => {
      if (thread.alive) this.#idle.push(thread)
      this.#next()
    })
  }

  #start(): Thread<Job, Result> {
    const thread = new Thread<Job, Result>(this.options, () => {
      this.#all.delete(thread)
      if (this.#idle.includes(thread)) this.#idle.splice(this.#idle.indexOf(thread), 1)
    })
    this.#all.add(thread)
    return thread
  }
}

class Thread<Job, Result> {
  readonly #worker: Worker
  readonly #seconds: number
  /** False from the moment it is known to end. */
  alive = true
  #id = 0
  /** Ends the job that runs. */
  #done: ((answer: Answer<Result> | Error) => void) | undefined

  constructor({ file, data, jobSeconds }: ThreadsOptions, gone: () => void) {
    this.#seconds = jobSeconds
    this.#worker = startThread(file, data)
    this.#worker.unref() // an idle thread keeps nobody alive
    this.#worker.on('message', (answer: Answer<Result>) => this.#done?.(answer))
    this.#worker.on('error', (error) => this.#gone(error))
    this.#worker.on('exit', (code) => {
      gone()
      this.#gone(new Error(`the speech thread ended with code ${code}`))
    })
  }

  /** Never throws: the task is told. */
  async run(task: Task<Job, Result>): Promise<void> {
    const question: Question<Job> = { id: ++this.#id, job: task.job }
    this.#worker.ref()
    const answer = await new Promise<Answer<Result> | Error>((resolve) => {
      const deadline = setTimeout(() => void this.end(new Error('speech took too long')), this.#seconds * 1000)
      this.#done = (result) => {
        clearTimeout(deadline)
        this.#done = undefined
        resolve(result)
      }
      this.#worker.postMessage(question)
    })
    this.#worker.unref()
    if (answer instanceof Error) task.reject(failed(answer.message))
    else if ('error' in answer) task.reject(failed(answer.error))
    else task.resolve(answer.result)
  }

  #gone(reason: Error): void {
    this.alive = false
    this.#done?.(reason)
  }

  async end(reason: Error): Promise<void> {
    this.#gone(reason)
    await this.#worker.terminate()
  }
}

export function startThread(file: URL, data: unknown): Worker {
  return new Worker(new URL('./thread.mjs', import.meta.url), { workerData: { file: file.href, data } })
}

function failed(message: string): HashdialError {
  return new HashdialError('UNAVAILABLE', 'SPEECH_FAILED', message)
}
