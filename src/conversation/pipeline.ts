import { GapFiller } from '../media/gap-filler.ts'
import type { Pcm } from '../voice/pcm.ts'
import type { Stt, SttEvent, Tts } from '../voice/speech.ts'
import type { Dialogue } from './dialogue.ts'
import type { Engine, EngineEvent, Member } from './engine.ts'
import { Generation, justSay } from './generation.ts'
import type { Llm, Said } from './llm.ts'
import type { Timing } from './row.ts'
import { turnEndMs } from './turn-end.ts'
import type { Utterance } from './utterance.ts'

export interface PipelineHouse {
  readonly stt: Stt
  readonly tts: Tts
  readonly llm: Llm
  /** Whose speech it is: the owners take turns. */
  readonly owner: string
  readonly dialogue: Dialogue
  readonly signal: AbortSignal
  tell(event: EngineEvent): void
  /** Does the AI speak, so that it matters soon what the caller says? */
  speaks(): boolean
}

/**
 * Speech to text, a model, text to speech. An answer is begun on the guess that the caller has said all, as soon as they
 * are silent; it is heard when they have been silent for long enough, and thrown away when they go on.
 */
export class Pipeline implements Engine {
  #ear: GapFiller | undefined
  /** What the caller has said in this turn. */
  #words: string[] = []
  /** When they fell silent, on the clock of performance.now(). */
  #silentSince = 0
  #timing: Timing = {}
  #timer: NodeJS.Timeout | undefined
  #guess: Generation | undefined
  /** What is said, or made for it. */
  readonly #running = new Set<Generation>()

  constructor(
    readonly house: PipelineHouse,
    readonly member: Member,
  ) {}

  async start(): Promise<void> {
    const { stt, owner, signal } = this.house
    const language = this.member.ai.stt_language || undefined
    const interim = () => this.house.speaks()
    const options = { language, owner, signal, interim, quick: true }
    this.#ear = new GapFiller(await stt.listen((event) => this.#heard(event), options), true)
  }

  hear(sound: Pcm): void {
    this.#ear?.write(sound)
  }

  say(text: string): Utterance {
    return this.#generate([], justSay(text)).utterance
  }

  answer(): void {
    const timing = this.#timing
    const since = this.#silentSince
    const generation = this.#guess ?? this.#generate(this.house.dialogue.said)
    this.#forget()
    this.#timing = {}
    // The times are known when the answer is heard: whoever notes it reads them then.
    const times: Timing = Object.defineProperties(timing, {
      first_token_ms: { enumerable: true, get: () => after(since, generation.firstTokenAt) },
      first_audio_ms: { enumerable: true, get: () => after(since, generation.utterance.firstSoundAt) },
    })
    generation.utterance.within(this.member.ai.budget.first_audio_ms)
    this.house.tell({ type: 'answer', utterance: generation.utterance, calls: generation.calls, timing: times })
  }

  drop(): void {
    this.#guess?.cancel()
    this.#forget()
  }

  stop(): void {
    for (const generation of this.#running) if (generation !== this.#guess) generation.cancel()
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    for (const generation of this.#running) generation.cancel()
    await this.#ear?.close()
  }

  #forget(): void {
    clearTimeout(this.#timer)
    this.#words = []
    this.#guess = undefined
  }

  #heard(event: SttEvent): void {
    const { house } = this
    if (event.type === 'start') {
      clearTimeout(this.#timer)
      this.#guess?.cancel()
      this.#guess = undefined
      house.tell({ type: 'speech' })
    } else if (event.type === 'interim') house.tell({ type: 'partial', text: event.text })
    else if (event.type === 'error') house.tell({ type: 'failed', error: event.error })
    else this.#silent(event)
  }

  #silent({ text: understood, end_ms, isTurn = false }: Extract<SttEvent, { type: 'final' }>): void {
    const { dialogue } = this.house
    const text = understood.trim()
    this.#silentSince = performance.now() - Math.max(0, (this.#ear?.heardMs ?? 0) - end_ms)
    if (text !== '') this.#words.push(text)
    this.house.tell({ type: 'silence', text }) // which may have it dropped
    if (this.#words.length > 0) {
      const said = this.#words.join(' ')
      const since = this.#silentSince
      this.#timing = { transcript_ms: after(since, performance.now())! }
      this.#guess = this.#generate([...dialogue.said, { role: 'user', content: said }])
      const wait = isTurn ? 0 : turnEndMs(said, dialogue.hasAsked)
      this.#timer = setTimeout(() => {
        this.#timing.turn_ms = after(since, performance.now())!
        this.house.tell({ type: 'turn', text: said, timing: this.#timing })
      }, wait)
    }
  }

  #generate(said: readonly Said[], llm: Llm = this.house.llm): Generation {
    const { tts, owner, signal } = this.house
    const generation = new Generation({ llm, tts, owner }, this.member, said, signal)
    this.#running.add(generation)
    const over = () => this.#running.delete(generation)
    generation.calls.then(over, over)
    return generation
  }
}

const after = (since: number, at: number | undefined): number | undefined =>
  at === undefined || since === 0 ? undefined : Math.max(0, Math.round(at - since))
