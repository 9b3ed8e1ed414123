import { HashdialError } from '../errors.ts'
import { Arriving } from '../voice/arriving.ts'
import { milliseconds, type Pcm } from '../voice/pcm.ts'

/**
 * Something that is to be said: its sound, while it is made, and which words are at which place of it, so that it is
 * known what somebody has heard who interrupts.
 */
export class Utterance extends Arriving<Pcm> {
  readonly #pieces: { text: string; ms: number }[] = []
  /** When its first sound was there, on the clock of performance.now(). */
  firstSoundAt: number | undefined

  /** What the sound says that follows. */
  say(text: string): void {
    this.#pieces.push({ text, ms: 0 })
  }

  /** More of the text, whose sound may be there already. */
  append(text: string): void {
    const last = this.#pieces[0]
    if (last) last.text += text
    else this.say(text)
  }

  override add(sound: Pcm): void {
    if (sound.samples.length === 0) return
    this.firstSoundAt ??= performance.now()
    if (this.#pieces.length === 0) this.say('')
    this.#pieces.at(-1)!.ms += milliseconds(sound)
    super.add(sound)
  }

  /** Fails where nothing of it is there in so many milliseconds; 0: it may take as long as it likes. */
  within(ms: number): void {
    if (ms === 0) return
    const late = new HashdialError('UNAVAILABLE', 'MODEL_FAILED', 'the model did not answer in time')
    setTimeout(() => this.firstSoundAt === undefined && this.fail(late), ms).unref()
  }

  get text(): string {
    return this.#pieces
      .map(({ text }) => text)
      .join(' ')
      .trim()
  }

  /** The words that were begun in the first `ms` of it. */
  heard(ms: number): string {
    const heard: string[] = []
    let left = ms
    for (const piece of this.#pieces) {
      if (left >= piece.ms) heard.push(piece.text)
      else if (left > 0) heard.push(beginning(piece.text, left / piece.ms))
      left -= piece.ms
      if (left <= 0) break
    }
    return heard
      .filter((text) => text !== '')
      .join(' ')
      .trim()
  }
}

/** So much of a text, to its last whole word. */
function beginning(text: string, part: number): string {
  const cut = text.slice(0, Math.round(text.length * part))
  const isWhole = /\s/.test(text[cut.length] ?? ' ')
  return (isWhole ? cut : cut.replace(/\S*$/, '')).trim()
}
