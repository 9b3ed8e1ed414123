/** Random choices that are the same again for the same seed (mulberry32). */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A number from 0 on, below 1. */
  roll(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  below = (limit: number): number => Math.floor(this.roll() * limit)
  chance = (probability: number): boolean => this.roll() < probability
  pick = <Value>(values: readonly Value[]): Value => values[this.below(values.length)]!
  /** None, some or all of them. */
  some = <Value>(values: readonly Value[]): Value[] => values.filter(() => this.chance(0.15))
  hex = (bytes: number): string => Array.from({ length: bytes * 2 }, () => this.below(16).toString(16)).join('')
  port = (): number => 1024 + this.below(64512)
}
