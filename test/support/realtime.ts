import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import { WebSocketServer, type WebSocket } from 'ws'
import { fromMulaw, toMulaw } from '../../src/voice/mulaw.ts'
import { fromBytes, toBytes } from '../../src/voice/pcm.ts'
import { loudness } from './tone.ts'

export interface RealtimeAnswer {
  text: string
  /** What is heard: a tone, in Hz, for so many seconds. */
  tone: number
  seconds: number
  call?: { name: string; arguments: string }
  /** The server goes away in the middle of it. */
  breaks?: boolean
}

export interface RealtimeOptions {
  dialect: 'ga' | 'flat'
  audio: 'pcmu' | 'pcm24'
  /** What it understands, utterance by utterance. */
  hears?: string[]
  answer: (request: { instructions?: string; items: Item[] }) => RealtimeAnswer
}

interface Item {
  id: string
  type: string
  role?: string
  output?: string
}

interface ClientMessage {
  type: string
  [field: string]: unknown
}

const older: Record<string, string> = {
  'response.output_audio.delta': 'response.audio.delta',
  'response.output_audio_transcript.delta': 'response.audio_transcript.delta',
  'conversation.item.added': 'conversation.item.created',
}

/**
 * What a Realtime server does, as OpenAI documents it: it detects speech by its loudness, answers faster than one can hear,
 * goes on for a moment with what was cancelled, and refuses to truncate what it has not said.
 */
export class RealtimeServer {
  readonly received: ClientMessage[] = []
  readonly requests: IncomingMessage[] = []
  readonly items: Item[] = []
  readonly errors: string[] = []
  /** When it has told of the end of speech, was asked for an answer, and sent the first sound of it (performance.now()). */
  readonly times: { stopped: number; asked?: number; sounded?: number }[] = []
  readonly #sockets = new Set<WebSocket>()
  #lengths = new Map<string, number>()
  #heard = 0
  #loudUntil = -Infinity
  #loudMs = 0
  #speaking = false
  #active: string | undefined

  private constructor(
    readonly url: string,
    readonly options: RealtimeOptions,
  ) {}

  static async start(t: ExecutionContext, options: RealtimeOptions): Promise<RealtimeServer> {
    const listening = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    await once(listening, 'listening')
    const url = `ws://127.0.0.1:${(listening.address() as AddressInfo).port}/v1/realtime`
    const server = new RealtimeServer(url, options)
    listening.on('connection', (socket, request) => server.#accept(socket, request))
    t.teardown(() => {
      for (const socket of server.#sockets) socket.terminate()
      listening.close()
    })
    return server
  }

  sent(type: string): ClientMessage[] {
    return this.received.filter((message) => message.type === type)
  }

  get #rate(): number {
    return this.options.audio === 'pcmu' ? 8_000 : 24_000
  }

  #accept(socket: WebSocket, request: IncomingMessage): void {
    this.requests.push(request)
    this.#sockets.add(socket)
    this.#active = undefined
    const tell: Tell = (event) => {
      const type = this.options.dialect === 'flat' ? (older[event.type] ?? event.type) : event.type
      if (socket.readyState === 1) socket.send(JSON.stringify({ event_id: randomUUID(), ...event, type }))
    }
    tell({ type: 'session.created', session: {} })
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as ClientMessage
      if (message.type === 'input_audio_buffer.append') return this.#hear(String(message.audio), tell)
      this.received.push(message)
      this.#do(message, tell, socket)
    })
  }

  #do(message: ClientMessage, tell: Tell, socket: WebSocket): void {
    const { type, item_id: id } = message as { type: string; item_id?: string }
    const refuse = (code: string) => {
      this.errors.push(code)
      tell({ type: 'error', error: { type: 'invalid_request_error', code } })
    }
    if (type === 'session.update') tell({ type: 'session.updated', session: {} })
    else if (type === 'conversation.item.create') this.items.push({ ...(message.item as Item), id: randomUUID() })
    else if (type === 'conversation.item.delete')
      this.items.splice(this.items.findIndex((item) => item.id === id) >>> 0, 1)
    else if (type === 'conversation.item.truncate') {
      if (Number(message.audio_end_ms) > (this.#lengths.get(id ?? '') ?? 0)) refuse('item_truncate_invalid')
    } else if (type === 'response.cancel') {
      if (this.#active === undefined) refuse('response_cancel_not_active')
      else this.#end(this.#active, 'cancelled', tell)
    } else if (type === 'response.create') {
      if (this.#active !== undefined) refuse('conversation_already_has_active_response')
      else this.#answer(message.response ?? {}, tell, socket)
    }
  }

  #answer(asked: { instructions?: string; metadata?: object }, tell: Tell, socket: WebSocket): void {
    const [response_id, item_id] = [`resp_${randomUUID()}`, `item_${randomUUID()}`]
    this.#active = response_id
    const times = this.times.at(-1)
    if (times) times.asked ??= performance.now()
    const { text, tone, seconds, call, breaks } = this.options.answer({ ...asked, items: this.items })
    tell({ type: 'response.created', response: { id: response_id, status: 'in_progress', metadata: asked.metadata } })
    tell({ type: 'conversation.item.added', item: { id: item_id, type: 'message' } })
    this.items.push({ id: item_id, type: 'message', role: 'assistant' })
    const all = Math.round(seconds * this.#rate)
    const step = this.#rate / 5
    this.#lengths.set(item_id, seconds * 1_000)
    let at = 0
    const words = text.split(' ')
    const clock = setInterval(() => {
      if (this.#active !== response_id) return clearInterval(clock)
      if (breaks && at > all / 2) return (clearInterval(clock), socket.terminate())
      if (at < all) {
        const samples = Int16Array.from({ length: Math.min(step, all - at) }, (_, index) =>
          Math.round(8_000 * Math.sin((2 * Math.PI * tone * (at + index)) / this.#rate)),
        )
        if (times) times.sounded ??= performance.now()
        const bytes = this.options.audio === 'pcmu' ? toMulaw(samples) : toBytes(samples)
        tell({
          type: 'response.output_audio.delta',
          response_id,
          item_id,
          delta: Buffer.from(bytes).toString('base64'),
        })
        const part = words.splice(0, Math.ceil(words.length / 2))
        if (part.length > 0)
          tell({ type: 'response.output_audio_transcript.delta', response_id, item_id, delta: `${part.join(' ')} ` })
        at += step
        return
      }
      clearInterval(clock)
      tell({
        type: 'response.output_item.done',
        response_id,
        item: { id: item_id, type: 'message', status: 'completed' },
      })
      if (call)
        tell({
          type: 'response.output_item.done',
          response_id,
          item: {
            id: randomUUID(),
            type: 'function_call',
            status: 'completed',
            call_id: `call_${randomUUID()}`,
            ...call,
          },
        })
      this.#end(response_id, 'completed', tell)
    }, 20)
  }

  #end(id: string, status: string, tell: Tell): void {
    if (this.#active === id) this.#active = undefined
    tell({ type: 'response.done', response: { id, status } })
  }

  #hear(audio: string, tell: Tell): void {
    const bytes = Buffer.from(audio, 'base64')
    const samples = this.options.audio === 'pcmu' ? fromMulaw(bytes) : fromBytes(bytes)
    const ms = (samples.length * 1_000) / this.#rate
    this.#heard += ms
    const isLoud = loudness({ rate: this.#rate, samples }) > 300
    this.#loudMs = isLoud ? this.#loudMs + ms : 0
    if (isLoud) this.#loudUntil = this.#heard
    if (!this.#speaking && this.#loudMs >= 60) {
      this.#speaking = true
      tell({ type: 'input_audio_buffer.speech_started', audio_start_ms: this.#heard - 60 })
    }
    if (this.#speaking && this.#heard - this.#loudUntil >= 500) this.#stop(tell)
  }

  #stop(tell: Tell): void {
    this.#speaking = false
    this.times.push({ stopped: performance.now() })
    const item_id = `item_${randomUUID()}`
    tell({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: this.#loudUntil, item_id })
    tell({ type: 'input_audio_buffer.committed', item_id })
    this.items.push({ id: item_id, type: 'message', role: 'user' })
    const transcript = this.options.hears?.shift() ?? ''
    setTimeout(() => tell({ type: 'conversation.item.input_audio_transcription.completed', item_id, transcript }), 150)
  }
}

type Tell = (event: ClientMessage) => void
