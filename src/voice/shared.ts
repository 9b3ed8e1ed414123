/** Work that several want at once is done once. It is given up only when nobody wants it any more. */
export class SingleFlight<T> {
  readonly #running = new Map<string, { result: Promise<T>; wanted: number; own: AbortController }>()

  async get(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    const running = this.#running.get(key) ?? this.#start(key, work)
    running.wanted++
    return new Promise<T>((resolve, reject) => {
      const leave = () => {
        if (--running.wanted === 0) {
          this.#running.delete(key) // who comes now begins anew
          running.own.abort(signal.reason)
        }
        reject(signal.reason as Error)
      }
      const done = () => signal.removeEventListener('abort', leave)
      signal.addEventListener('abort', leave, { once: true })
      running.result.then(resolve, reject).finally(done)
    })
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>) {
    const own = new AbortController()
    const running = { result: Promise.resolve().then(() => work(own.signal)), wanted: 0, own }
    this.#running.set(key, running)
    const end = () => {
      if (this.#running.get(key) === running) this.#running.delete(key)
    }
    running.result.then(end, end)
    return running
  }
}
