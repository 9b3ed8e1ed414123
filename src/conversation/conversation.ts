import type { KeptRun } from '../calls/run.ts'
import type { Pcm } from '../voice/pcm.ts'
import type { Timing, ToolCall } from './row.ts'
import { BargeIn } from './barge-in.ts'
import type { Dialogue } from './dialogue.ts'
import type { Answer, Engine, EngineEvent, Member } from './engine.ts'
import { firstToStart } from './first-to-start.ts'
import { Keys, pressed } from './keys.ts'
import { Line } from './line.ts'
import { Mouth } from './mouth.ts'
import { Patience } from './patience.ts'
import { problemOf } from './problem.ts'
import type { Ending, ToolOutcome } from './tool-run.ts'
import type { ConversationHouse } from './house.ts'

/** One caller talks with AIs, from the first word to the last. */
export class Conversation {
  readonly #bargeIn: BargeIn
  readonly #patience: Patience
  readonly #keys: Keys
  readonly #mouth = new Mouth()
  readonly #over = new AbortController()
  #engine!: Engine
  #line: Line | undefined
  /** What is to be said, one after another. */
  #said: Promise<void> = Promise.resolve()
  #failed: Engine | undefined
  /** Somebody else is being called for the caller, or talks with them. */
  #isAway = false
  #later: Ending | undefined
  #end: (ending: Ending) => void = () => undefined
  readonly #ending = new Promise<Ending>((resolve) => (this.#end = resolve))

  constructor(
    readonly house: ConversationHouse,
    readonly run: KeptRun,
    readonly dialogue: Dialogue,
    public member: Member,
  ) {
    this.#bargeIn = new BargeIn({
      pause: () => this.#mouth.pause(),
      resume: () => this.#mouth.resume(),
      interrupt: () => void this.#interrupt(),
    })
    this.#patience = new Patience(
      () => this.member.ai,
      (prompt) =>
        prompt === undefined ? this.finish({ reason: 'silence' }) : this.#play({ utterance: this.#engine.say(prompt) }),
    )
    this.#keys = new Keys(run.call.dtmf, {
      pressed: () => void this.#interrupt(),
      entered: (digits) => this.#entered(digits),
    })
  }

  /** `begin`: what it says first; undefined: it answers what was said and done last. Throws the call's reason. */
  async untilOver(begin: string | undefined, leftMs: number): Promise<Ending> {
    const { run } = this
    const timer = setTimeout(() => this.finish({ reason: 'max_duration' }), Math.max(0, leftMs))
    const ended = new Promise<never>((_, reject) => {
      const fail = () => reject(run.signal.reason as Error)
      run.signal.addEventListener('abort', fail, { once: true, signal: this.#over.signal })
    })
    ended.catch(() => undefined) // it may come before anybody waits for it
    try {
      run.signal.throwIfAborted()
      const begun = await firstToStart(this.member, (member) => this.#start(member), this.house, run)
      ;[this.member, this.#engine] = begun
      // It is made while the line is opened: who has waited for an answer hears it at once.
      const first = begin ? this.#engine.say(begin) : undefined
      this.#line = await Line.open(run, run.id, (sound) => this.#hear(sound))
      this.#mouth.media = this.#line.media
      if (begin === undefined) this.#engine.answer()
      else if (first) this.#play({ utterance: first, protectMs: this.member.ai.vad_config.protect })
      else this.#patience.begin()
      return await Promise.race([this.#ending, ended])
    } finally {
      clearTimeout(timer)
      this.#over.abort()
      this.#patience.end()
      this.#keys.end()
      this.#bargeIn.end()
      this.#mouth.close()
      await Promise.all([this.#engine?.close(), this.#line?.close()])
    }
  }

  /** It ends now, whatever is being said; while somebody else has the caller, after that. */
  finish(ending: Ending): void {
    if (this.#isAway) this.#later = ending
    else this.#end(ending)
  }

  #hear(sound: Pcm): void {
    this.#bargeIn.hear(sound)
    this.#engine.hear(sound)
  }

  async #start(member: Member): Promise<Engine> {
    const engine: Engine = this.house.engineFor(member, {
      // What one says that does not talk any more is not heard.
      tell: (event) => void (this.#engine === engine && this.#told(event)),
      speaks: () => this.#mouth.speaks,
      signal: AbortSignal.any([this.run.signal, this.#over.signal]),
    })
    await engine.start().catch(async (error: unknown) => {
      await engine.close()
      throw error
    })
    return engine
  }

  #told(event: EngineEvent): void {
    if (event.type === 'speech') {
      this.#patience.end()
      if (this.#mayInterrupt()) this.#bargeIn.speech()
    } else if (event.type === 'partial') this.#bargeIn.partial(event.text)
    else if (event.type === 'silence') this.#silent(event.text)
    else if (event.type === 'turn') this.#turn(event.text, event.timing)
    else if (event.type === 'answer') this.#play(event)
    else if (event.type === 'lost') void this.#fail(event.error, this.#engine)
    else this.#misheard(event.error)
  }

  #misheard(error: unknown): void {
    this.house.log.warn({ problem: problemOf(error) }, 'an AI did not understand a caller')
    if (!this.#mouth.speaks) this.#patience.begin()
  }

  #mayInterrupt(): boolean {
    return this.#mouth.speaks && !this.#mouth.isProtected && this.member.ai.vad_config.barge_in
  }

  #silent(text: string): void {
    if (this.#bargeIn.silence(text)) {
      this.#engine.drop()
      this.house.tell('false_interruption')
    } else if (!this.#mouth.speaks) this.#patience.begin()
  }

  #turn(text: string | undefined, timing: Timing): void {
    this.#heardCaller()
    if (text !== undefined) this.dialogue.add({ role: 'user', content: text, timing })
    this.#engine.answer()
  }

  #heardCaller(): void {
    this.#patience.reset()
    this.house.tools.callerSpoke()
  }

  #entered(digits: string): void {
    if (this.#isAway) return
    this.#heardCaller()
    const content = pressed(digits)
    this.dialogue.add({ role: 'user', content }, this.member.ai.sensitive ? pressed('keys') : content)
    this.#engine.answer()
  }

  #play(answer: Answer): void {
    answer.calls?.catch(() => undefined) // whoever says it tells it
    const engine = this.#engine
    this.#said = this.#said.then(() => this.#playOne(answer)).catch((error: unknown) => this.#fail(error, engine))
  }

  async #playOne(answer: Answer): Promise<void> {
    const { utterance, calls, protectMs = 0, timing = {} } = answer
    if (this.#over.signal.aborted) return
    this.#patience.end()
    const { heard, interrupted, error } = await this.#mouth.say(utterance, protectMs)
    this.#bargeIn.end()
    const tool_calls = interrupted ? [] : ((await calls) ?? [])
    if (heard !== '' || tool_calls.length > 0)
      this.dialogue.add({ role: 'assistant', content: heard, interrupted, tool_calls, timing })
    if (error) throw error
    if (this.#over.signal.aborted) return
    if (tool_calls.length > 0) await this.#do(tool_calls)
    else if (!interrupted) this.#patience.begin()
  }

  /** What was heard is what was said; the rest nobody will hear. */
  async #interrupt(): Promise<void> {
    this.#bargeIn.end()
    const heardMs = await this.#mouth.interrupt()
    if (heardMs === undefined) return
    this.#engine.stop(heardMs)
    this.house.tell('interrupted')
  }

  async #do(calls: readonly ToolCall[]): Promise<void> {
    const follows = await this.house.tools.doAll(calls, () => this.member, {
      told: (content, tool_call_id) => this.dialogue.add({ role: 'tool', content, tool_call_id }),
      say: async (text) => void (await this.#mouth.say(this.#engine.say(text), 0).catch(() => undefined)),
      connect: (destination) => this.#connect(destination),
      switchTo: async (id) => this.#switchTo(await this.house.member(id)),
    })
    if (typeof follows === 'object') this.finish(follows)
    else if (follows === 'answer') this.#engine.answer()
    else this.#patience.begin()
  }

  async #connect(destination: NonNullable<ToolOutcome['connect']>): Promise<boolean> {
    this.#isAway = true
    await this.#line!.part()
    const talked = await this.house.connect(destination)
    this.#isAway = false
    if (talked) return true
    if (this.#later) this.#end(this.#later)
    await this.#line!.join()
    return false
  }

  async #switchTo(member: Member): Promise<void> {
    const engine = await this.#start(member)
    const old = this.#engine
    this.#engine = engine
    this.member = member
    void old.close()
    this.house.switched(member)
  }

  /** The provider has failed: the next AI goes on, or the conversation ends politely. */
  async #fail(error: unknown, engine: Engine): Promise<void> {
    const isOver = this.run.signal.aborted || this.#over.signal.aborted
    // What it had sent is heard to its end, when another may talk already.
    if (isOver || this.#failed === engine || this.#engine !== engine) return
    this.#failed = engine
    this.house.log.warn({ problem: problemOf(error), ai: this.member.ai.id }, 'an AI cannot go on')
    try {
      const next = await this.house.next(this.member)
      if (next) {
        await this.#switchTo(next)
        return this.#engine.answer()
      }
      await this.#line?.media.say(this.house.apology(), this.#over.signal)
    } catch (again) {
      this.house.log.warn({ problem: problemOf(again) }, 'an AI could not end politely')
    }
    this.finish({ reason: 'failed' })
  }
}
