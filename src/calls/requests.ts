/** What somebody asks of whoever is there to do it. */
export class Requests<Value> {
  readonly #listeners = new Set<(value: Value) => void>()

  /** Calls `listener` with each until the returned function is called. */
  on(listener: (value: Value) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** False: nobody is there. */
  ask(value: Value): boolean {
    for (const listener of this.#listeners) listener(value)
    return this.#listeners.size > 0
  }
}
