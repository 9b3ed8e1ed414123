import type { Tts } from '../voice/speech.ts'
import { Clauses } from './clauses.ts'
import type { Member } from './engine.ts'
import type { Llm, Said } from './llm.ts'
import type { ToolCall } from './row.ts'
import { Utterance } from './utterance.ts'

export interface GenerationHouse {
  readonly llm: Llm
  readonly tts: Tts
  readonly owner: string
}

/** One answer: its text becomes speech clause by clause, while the model goes on with it. */
export class Generation {
  readonly utterance = new Utterance()
  /** Resolves when all of its text is there. */
  readonly calls: Promise<readonly ToolCall[]>
  firstTokenAt: number | undefined
  readonly #end = new AbortController()

  constructor(
    readonly house: GenerationHouse,
    readonly member: Pick<Member, 'ai' | 'key' | 'prompt' | 'tools'>,
    readonly said: readonly Said[],
    signal: AbortSignal,
  ) {
    this.calls = this.#run(AbortSignal.any([signal, this.#end.signal]))
    this.calls.catch((error: unknown) => this.utterance.fail(error))
  }

  cancel(): void {
    this.#end.abort()
  }

  async #run(signal: AbortSignal): Promise<readonly ToolCall[]> {
    const { ai, key, prompt, tools } = this.member
    const clauses = new Clauses()
    const calls: ToolCall[] = []
    for await (const piece of this.house.llm.complete({ ai, key, prompt, said: this.said, tools, signal })) {
      this.firstTokenAt ??= performance.now()
      if ('call' in piece) calls.push(piece.call)
      else for (const clause of clauses.write(piece.text)) await this.#speak(clause, signal)
    }
    for (const clause of clauses.end()) await this.#speak(clause, signal)
    this.utterance.end()
    return calls
  }

  async #speak(text: string, signal: AbortSignal): Promise<void> {
    const { tts_voice_id, stt_language } = this.member.ai
    this.utterance.say(text)
    const how = { voice: tts_voice_id || undefined, language: stt_language || undefined, owner: this.house.owner }
    for await (const sound of this.house.tts.synthesize(text, { ...how, signal })) this.utterance.add(sound)
  }
}

/** The same of a text that is known already. */
export const justSay = (text: string): Llm => ({
  async *complete() {
    yield { text }
  },
})
