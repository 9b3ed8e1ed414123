import { randomUUID } from 'node:crypto'
import { GapFiller } from '../media/gap-filler.ts'
import type { Pcm } from '../voice/pcm.ts'
import type { AudioSink, Stt, SttEvent } from '../voice/speech.ts'
import type { Web } from '../web.ts'
import type { Dialogue } from './dialogue.ts'
import type { Engine, EngineEvent, Member } from './engine.ts'
import { isPressed } from './keys.ts'
import type { Said } from './llm.ts'
import { Codec, itemOf, speechOf, type ServerEvent, type Speech } from './realtime-protocol.ts'
import { Reply } from './realtime-reply.ts'
import { codeOf, failed, RealtimeSocket } from './realtime-socket.ts'
import type { Utterance } from './utterance.ts'

export interface RealtimeHouse {
  readonly web: Web
  readonly gate: Pick<Stt, 'listen'>
  readonly owner: string
  readonly dialogue: Dialogue
  readonly signal: AbortSignal
  tell(event: EngineEvent): void
  speaks(): boolean
}

/** A response that was cancelled and does not end counts as over after so long, and one that was refused is asked for again. */
const endMs = 1_500
const againMs = 300

/**
 * Speech to speech, by OpenAI's Realtime protocol in both of its dialects. The server hears all of it, and decides when a
 * turn is over; whether it is answered, and what interrupts, is decided here, where the server allows it. One response at a
 * time: the next one waits for the end of the one before.
 */
export class Realtime implements Engine {
  readonly #speech: Speech
  readonly #codec: Codec
  readonly #known = new WeakSet<Said>()
  #socket: RealtimeSocket | undefined
  #gate: GapFiller | undefined
  #reply: Reply | undefined
  #waiting: Reply[] = []
  #stoppedAt = 0
  #dropsNext = 0
  #overlaps = false

  constructor(
    readonly house: RealtimeHouse,
    readonly member: Member,
  ) {
    this.#speech = speechOf(member.ai)
    this.#codec = new Codec(this.#speech.audio)
  }

  async start(): Promise<void> {
    const { dialogue, gate, owner, signal } = this.house
    const gated = await gate.listen((event) => this.#heard(event), {
      ...{ owner, signal, quick: true, interim: () => this.house.speaks(), final: () => this.#overlaps },
    })
    // A device that sends nothing while it is silent would have the server wait for the end of speech.
    const both: AudioSink = { write: (sound) => this.#pass(gated, sound), close: () => gated.close() }
    this.#gate = new GapFiller(both, true)
    this.#socket = await RealtimeSocket.open(this.house, this.member, this.#speech, {
      told: (event) => this.#told(event),
      lost: (error) => this.#lost(error),
    })
    for (const said of dialogue.said) {
      const item = itemOf(said)
      if (item) this.#send({ type: 'conversation.item.create', item })
      this.#known.add(said)
    }
  }

  hear(sound: Pcm): void {
    this.#gate?.write(sound)
  }

  #pass(gated: AudioSink, sound: Pcm): void {
    gated.write(sound)
    this.#send({ type: 'input_audio_buffer.append', audio: this.#codec.encode(sound) })
  }

  say(text: string): Utterance {
    const { prompt } = this.member
    const words = JSON.stringify(text)
    return this.#ask({ instructions: `${prompt}\n\nSay exactly this, and nothing else: ${words}` }).utterance
  }

  answer(): void {
    for (const said of this.house.dialogue.said) if (!this.#known.has(said)) this.#catchUp(said)
    const reply = this.#ask({})
    this.#tellAnswer(reply)
  }

  drop(): void {
    this.#dropsNext = performance.now()
  }

  stop(heardMs: number): void {
    const reply = this.#reply
    for (const one of this.#waiting.splice(0)) one.cancel()
    if (!reply) return
    if (!reply.isOver) {
      this.#send({ type: 'response.cancel' })
      setTimeout(() => this.#letGo(reply), endMs)
    }
    const audio_end_ms = Math.floor(Math.min(heardMs, reply.receivedMs))
    const { itemId: item_id } = reply
    if (item_id && audio_end_ms > 0)
      this.#send({ type: 'conversation.item.truncate', item_id, content_index: 0, audio_end_ms })
    else if (item_id) this.#send({ type: 'conversation.item.delete', item_id })
    reply.cancel()
  }

  async close(): Promise<void> {
    for (const one of [this.#reply, ...this.#waiting]) one?.cancel()
    this.#socket?.close()
    await this.#gate?.close()
  }

  /** Of what was said meanwhile the server knows what it heard and said itself. */
  #catchUp(said: Said): void {
    this.#known.add(said)
    const { role, content, tool_call_id: call_id } = said
    if (role === 'tool')
      this.#send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id, output: content } })
    else if (role === 'user' && isPressed(content)) this.#send({ type: 'conversation.item.create', item: itemOf(said) })
  }

  #ask(response: object): Reply {
    const reply = new Reply(randomUUID(), response)
    this.#waiting.push(reply)
    this.#next()
    return reply
  }

  #next(): void {
    if (this.#reply && !this.#reply.isOver) return
    const reply = this.#waiting.shift()
    if (!reply) return
    this.#reply = reply
    this.#send({ type: 'response.create', response: { ...reply.options, metadata: { hashdial: reply.id } } })
  }

  /** Some servers never say that what was cancelled has ended. */
  #letGo(reply: Reply): void {
    reply.isOver = true
    if (this.#reply === reply) this.#next()
  }

  /** The server has begun one that we do not know of. */
  #askAgain(): void {
    const reply = this.#reply
    if (!reply || reply.responseId) return
    this.#reply = undefined
    this.#waiting.unshift(reply)
    setTimeout(() => this.#next(), againMs)
  }

  #tellAnswer(reply: Reply): void {
    const timing = reply.timing(this.#stoppedAt)
    reply.utterance.within(this.member.ai.budget.first_audio_ms)
    this.house.tell({ type: 'answer', utterance: reply.utterance, calls: reply.calls, timing })
  }

  #heard(event: SttEvent): void {
    const { house } = this
    if (event.type === 'start') {
      this.#dropsNext = 0
      this.#overlaps = house.speaks()
      house.tell({ type: 'speech' })
    } else if (event.type === 'interim') house.tell({ type: 'partial', text: event.text })
    else if (event.type === 'final') house.tell({ type: 'silence', text: event.text })
    else house.tell({ type: 'silence', text: '' })
  }

  #send(message: object): void {
    this.#socket?.send(message)
  }

  #told(event: ServerEvent): void {
    const { type } = event
    if (type === 'error') {
      if (codeOf(event).includes('already_has_active')) this.#askAgain()
    } else if (type === 'input_audio_buffer.speech_stopped') this.#stoppedAt = performance.now()
    else if (type === 'input_audio_buffer.committed') this.#committed(event.item_id ?? '')
    else if (type === 'conversation.item.input_audio_transcription.completed')
      this.house.dialogue.complete(event.item_id ?? '', event.transcript ?? '')
    else if (type === 'response.created') this.#created(event)
    else this.#replied(event)
  }

  /** What the caller has said is a turn, unless it was "mm-hm": then the server is to forget it. */
  #committed(item_id: string): void {
    const drops = performance.now() - this.#dropsNext < 3_000
    this.#dropsNext = 0
    if (drops) return this.#send({ type: 'conversation.item.delete', item_id })
    const said = this.house.dialogue.expect(item_id)
    this.#known.add(said)
    if (!this.#speech.serverTurns) this.house.tell({ type: 'turn', text: undefined, timing: { turn_ms: 0 } })
  }

  /** A late one that was cancelled, or one of ours, or one that the server has begun by itself. */
  #created({ response }: ServerEvent): void {
    const id = response?.id ?? ''
    const own = response?.metadata?.hashdial
    const reply = this.#reply
    if (reply && (own === reply.id || (own === undefined && !reply.responseId && !this.#speech.serverTurns)))
      return void (reply.responseId = id)
    if (own !== undefined || !this.#speech.serverTurns) return
    this.#reply = new Reply(randomUUID(), {})
    this.#reply.responseId = id
    this.#tellAnswer(this.#reply)
  }

  #replied(event: ServerEvent): void {
    const reply = this.#reply
    const id = event.response_id ?? event.response?.id
    if (!reply || (reply.responseId && id && id !== reply.responseId)) return
    if (event.type === 'response.output_audio.delta') reply.add(this.#codec.decode(event.delta ?? ''), event.item_id)
    else if (event.type === 'response.output_audio_transcript.delta') reply.utterance.append(event.delta ?? '')
    else if (event.type === 'response.output_item.done') reply.item(event.item)
    else if (event.type === 'response.done') {
      reply.end(event.response?.status === 'failed' ? failed('it failed in the middle of its answer') : undefined)
      this.#next()
    }
  }

  #lost(error: Error): void {
    for (const one of [this.#reply, ...this.#waiting.splice(0)]) one?.end(error)
    this.house.tell({ type: 'lost', error })
  }
}
