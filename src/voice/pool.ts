import { HashdialError } from '../errors.ts'
import { Aside } from './aside.ts'

export interface PoolOptions {
  /** What runs there; see `answerJobs`. */
  file: URL
  /** What each is given at its start. */
  data: unknown
  count: number
  /** A job that takes longer has lost its way, and is ended with its process. */
  jobSeconds: number
  /** More waiting jobs of one owner are refused, so that a rush does not become a silence that lasts for minutes. */
  waiting: number
  /** What it is, for who has to be told that there is too much of it. */
  work?: string
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
 * A few processes for work that would hold the event loop up. They start when there is something to do, one
 * job at a time each. A job that is aborted while it waits is never begun; one that has begun ends unheard. The owners
 * of jobs, who are customers, take turns: who brings much waits for himself.
 */
export class Pool<Job, Result> {
  readonly #idle: Hand<Job, Result>[] = []
  readonly #all = new Set<Hand<Job, Result>>()
  /** The owner whose turn it is comes first. */
  readonly #waiting = new Map<string, Set<Task<Job, Result>>>()

  constructor(readonly options: PoolOptions) {}

  run(job: Job, signal: AbortSignal, owner = ''): Promise<Result> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const own = this.#waiting.get(owner) ?? new Set()
      if (own.size >= this.options.waiting) {
        const message = `${this.options.work ?? 'speech'} has too many waiting; try again later`
        throw new HashdialError('RESOURCE_EXHAUSTED', 'SPEECH_BUSY', message)
      }
      const task: Task<Job, Result> = { job, signal, resolve, reject }
      const abort = () => {
        if (own.delete(task) && own.size === 0) this.#waiting.delete(owner)
        reject(signal.reason as Error)
      }
      const settled = () => signal.removeEventListener('abort', abort)
      task.resolve = (result) => (settled(), resolve(result))
      task.reject = (error) => (settled(), reject(error))
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.set(owner, own.add(task))
      this.#next()
    })
  }

  /** Starts its processes, so that the first job need not wait for one. */
  warmUp(): void {
    while (this.#all.size < this.options.count) this.#idle.push(this.#start())
  }

  async close(): Promise<void> {
    const gone = new HashdialError('UNAVAILABLE', 'SPEECH_STOPPED', 'Hashdial is being stopped')
    for (const own of this.#waiting.values()) for (const task of own) task.reject(gone)
    this.#waiting.clear()
    await Promise.all([...this.#all].map((hand) => hand.end(gone)))
  }

  #next(): void {
    const [first] = this.#waiting
    if (!first) return
    const hand = this.#idle.pop() ?? (this.#all.size < this.options.count ? this.#start() : undefined)
    if (!hand) return
    const [owner, own] = first
    const [task] = own
    own.delete(task!)
    this.#waiting.delete(owner)
    if (own.size > 0) this.#waiting.set(owner, own) // behind the others
    void hand.run(task!).then(() => {
      if (hand.alive) this.#idle.push(hand)
      this.#next()
    })
  }

  #start(): Hand<Job, Result> {
    const hand = new Hand<Job, Result>(this.options, () => {
      this.#all.delete(hand)
      if (this.#idle.includes(hand)) this.#idle.splice(this.#idle.indexOf(hand), 1)
    })
    this.#all.add(hand)
    return hand
  }
}

class Hand<Job, Result> {
  readonly #aside: Aside
  readonly #seconds: number
  readonly #work: string
  /** False from the moment it is known to end. */
  alive = true
  #id = 0
  /** Ends the job that runs. */
  #done: ((answer: Answer<Result> | Error) => void) | undefined

  constructor({ file, data, jobSeconds, work = 'speech' }: PoolOptions, gone: () => void) {
    this.#seconds = jobSeconds
    this.#work = work
    this.#aside = new Aside(file, data)
    this.#aside.onMessage((answer) => this.#done?.(answer as Answer<Result>))
    this.#aside.onEnd((reason) => {
      gone()
      this.#gone(reason)
    })
  }

  /** Never throws: the task is told. */
  async run(task: Task<Job, Result>): Promise<void> {
    const question: Question<Job> = { id: ++this.#id, job: task.job }
    this.#aside.hold(true)
    const answer = await new Promise<Answer<Result> | Error>((resolve) => {
      const deadline = setTimeout(() => void this.end(new Error(`${this.#work} took too long`)), this.#seconds * 1000)
      this.#done = (result) => {
        clearTimeout(deadline)
        this.#done = undefined
        resolve(result)
      }
      this.#aside.post(question)
    })
    if (this.alive) this.#aside.hold(false)
    if (answer instanceof Error) task.reject(failed(answer.message))
    else if ('error' in answer) task.reject(failed(answer.error))
    else task.resolve(answer.result)
  }

  async end(reason: Error): Promise<void> {
    this.#gone(reason)
    await this.#aside.end()
  }

  #gone(reason: Error): void {
    this.alive = false
    this.#done?.(reason)
  }
}

function failed(message: string): HashdialError {
  return new HashdialError('UNAVAILABLE', 'SPEECH_FAILED', message)
}
