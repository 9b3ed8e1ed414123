/** So many wrong PINs in this time are a guess: each caller has one try then, until it is over. */
const wrongMax = 15
const windowMs = 300_000
const triesUsual = 3

/** Counts the wrong PINs of each conference: guessing must take longer than a PIN lives. */
export class PinGuard {
  readonly #wrong = new Map<string, number[]>()

  constructor(
    /** Told once when somebody seems to guess. */
    readonly guessed: (conferenceId: string) => void,
    readonly clock: () => number = () => performance.now(),
  ) {}

  triesOf(conferenceId: string): number {
    return this.#recent(conferenceId).length >= wrongMax ? 1 : triesUsual
  }

  wrong(conferenceId: string): void {
    const recent = [...this.#recent(conferenceId), this.clock()].slice(-wrongMax)
    const before = this.#wrong.get(conferenceId)?.length ?? 0
    this.#wrong.set(conferenceId, recent)
    if (recent.length === wrongMax && before < wrongMax) this.guessed(conferenceId)
  }

  #recent(conferenceId: string): number[] {
    const recent = (this.#wrong.get(conferenceId) ?? []).filter((time) => time > this.clock() - windowMs)
    if (recent.length === 0) this.#wrong.delete(conferenceId)
    else this.#wrong.set(conferenceId, recent)
    return recent
  }
}
