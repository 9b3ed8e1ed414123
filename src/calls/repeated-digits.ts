/** The length that Kamailio gives a key that came by INFO (kamailio/hashdial-dialog.cfg); no key by RTP has it. */
const infoKeyMs = 37
/** Asterisk makes a shorter key as long as this (dtmf_minduration), keeps this pause between two (AST_MIN_DTMF_GAP) … */
const keyMsMin = 80
const gapMs = 45
/** … and looks at what it has kept back with each frame of sound only. */
const frameMs = 20
/** How much later than by RTP the same key may come by INFO. */
const strayMs = 2_000

/** What came of one key of late, by RTP (RFC 4733, or heard in the sound) and by INFO. */
interface Seen {
  rtp: number
  info: number
  time: number
}

/**
 * Tells whether what Asterisk says is a key that was pressed, or one that is told a second time. That has two reasons.
 *
 * A key that follows the one before too closely is kept back by Asterisk, and told again when its turn has come (channel.c,
 * __ast_read): so the same moments are reckoned here, and one repetition of each key that must have been kept back is left
 * out. And a device may send each key both ways: by RTP and by INFO: of both together as many count as came by one of them.
 */
export class RepeatedDigits {
  /** Keys that Asterisk has kept back, and until when it will have told of them again. */
  #kept: { key: string; ms: number; until: number }[] = []
  /** From then on Asterisk takes the next key as it is. */
  #free = 0
  readonly #seen = new Map<string, Seen>()

  /** A key that Asterisk tells of: how long it was, and when it ended, both in milliseconds. */
  isNew(key: string, ms: number, time: number): boolean {
    return !this.#isRepeated(key, ms, time) && !this.#cameOtherwise(key, ms === infoKeyMs, time)
  }

  #isRepeated(key: string, ms: number, time: number): boolean {
    this.#kept = this.#kept.filter(({ until }) => until >= time)
    const index = this.#kept.findIndex((kept) => kept.key === key && kept.ms === ms)
    if (index >= 0) this.#kept.splice(index, 1)
    const whole = Math.max(ms, keyMsMin) + gapMs + frameMs
    if (index < 0 && time < this.#free) {
      this.#kept.push({ key, ms, until: this.#free + 2 * frameMs })
      this.#free += whole
    } else {
      // One whose begin Asterisk has seen and taken needs nothing but the pause after it.
      const begun = index < 0 && ms !== infoKeyMs && time - ms >= this.#free
      this.#free = time + (begun ? gapMs + Math.max(0, keyMsMin - ms) : whole)
    }
    return index >= 0
  }

  #cameOtherwise(key: string, byInfo: boolean, time: number): boolean {
    const before = this.#seen.get(key)
    const seen = before && time - before.time < strayMs ? before : { rtp: 0, info: 0, time }
    if (byInfo) seen.info++
    else seen.rtp++
    seen.time = time
    this.#seen.set(key, seen)
    return byInfo ? seen.info <= seen.rtp : seen.rtp <= seen.info
  }
}
