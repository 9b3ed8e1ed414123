import { createParser } from 'eventsource-parser'
import { HashdialError } from '../errors.ts'
import { Arriving } from '../voice/arriving.ts'
import { WebError, type ArrivingAnswer, type Web } from '../web.ts'
import type { Llm, LlmPiece, LlmRequest, Said } from './llm.ts'
import { knownProviders, partsOf } from './llm-providers.ts'
import type { ToolCall } from './row.ts'

/** For the whole answer, in milliseconds; and its length, in bytes. */
const longestMs = 60_000
const maxBytes = 4_000_000

/**
 * Any server with OpenAI's `POST /chat/completions`, streamed: OpenAI, Gemini, Groq, Mistral, Ollama, vLLM, llama.cpp.
 * Where it is, a customer says: so the rules of `fetch` are those here.
 */
export class Chat implements Llm {
  constructor(
    readonly web: Web,
    readonly timeout = longestMs,
  ) {}

  async *complete(request: LlmRequest): AsyncGenerator<LlmPiece> {
    const queue = new Arriving<LlmPiece>()
    const own = new AbortController() // who does not read on wants no more of it
    const signal = AbortSignal.any([request.signal, own.signal])
    // A redirect would carry the key to somebody else.
    const options = { method: 'POST', headers: headersOf(request), body: JSON.stringify(bodyOf(request)) }
    const done = this.web
      .receive(urlOf(request), { ...options, staysThere: true, timeout: this.timeout, maxBytes, signal }, (answer) =>
        readAnswer(answer, queue),
      )
      .then(
        () => queue.end(),
        (error: unknown) => queue.fail(inWords(error, signal)),
      )
    try {
      yield* queue
    } finally {
      own.abort()
      await done
    }
  }
}

function urlOf({ ai }: LlmRequest): string {
  const { provider } = partsOf(ai.engine_model)
  const known: Readonly<Record<string, string>> = knownProviders
  return `${(ai.engine_url || known[provider] || '').replace(/\/+$/, '')}/chat/completions`
}

function headersOf({ key }: LlmRequest): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: 'text/event-stream',
    ...(key && { authorization: `Bearer ${key}` }),
  }
}

function bodyOf({ ai, prompt, said, tools }: LlmRequest): object {
  const { model } = partsOf(ai.engine_model)
  const list = tools.map(({ name, description, parameters }) => ({
    ...{ type: 'function', function: { name, description, parameters } },
  }))
  return {
    ...ai.parameter,
    ...{ model, stream: true },
    messages: [...(prompt ? [{ role: 'system', content: prompt }] : []), ...said.map(messageOf)],
    ...(list.length > 0 && { tools: list }),
  }
}

function messageOf({ role, content, tool_calls = [], tool_call_id }: Said): object {
  if (role === 'tool') return { role, content, tool_call_id }
  const calls = tool_calls.map(({ id, name, arguments: given }) => ({
    ...{ id, type: 'function', function: { name, arguments: given } },
  }))
  return { role, content, ...(calls.length > 0 && { tool_calls: calls }) }
}

/** What is used of a chunk of an answer; servers differ, so nothing of it is certain. */
interface Chunk {
  choices?: { delta?: { content?: string | null; tool_calls?: CallPiece[] } | null }[]
  error?: unknown
}

interface CallPiece {
  index?: number
  id?: string
  function?: { name?: string; arguments?: unknown }
}

async function readAnswer({ status, body }: ArrivingAnswer, queue: Arriving<LlmPiece>): Promise<void> {
  // What the server says of it is not told: it may repeat the key, or what the caller has said.
  if (status !== 200) throw new WebError(`the server answered ${status}`)
  const calls = new Calls()
  let failed = false
  const parser = createParser({
    onEvent({ data }) {
      if (data === '[DONE]') return
      const { choices, error } = JSON.parse(data) as Chunk
      if (error !== undefined) failed = true
      const { content, tool_calls: pieces } = choices?.[0]?.delta ?? {}
      if (content) queue.add({ text: content })
      for (const piece of pieces ?? []) calls.add(piece)
    },
  })
  const decoder = new TextDecoder()
  for await (const bytes of body) parser.feed(decoder.decode(bytes, { stream: true }))
  if (failed) throw new WebError('the server failed in the middle of its answer')
  for (const call of calls.all) queue.add({ call })
}

/** Tool calls, whose arguments come in pieces. */
class Calls {
  readonly all: (ToolCall & { index: number })[] = []

  /** Ollama gives every call the index 0 (ollama issue 15457): another id is another call. Some give an object, or no id. */
  add({ index = 0, id, function: { name = '', arguments: given = '' } = {} }: CallPiece): void {
    const text = typeof given === 'string' ? given : JSON.stringify(given)
    const at = this.all.findLastIndex((call) => call.index === index)
    const last = this.all[at]
    if (last && (!id || id === last.id)) this.all[at] = { ...last, arguments: last.arguments + text }
    else if (name) this.all.push({ index, id: id || `call_${this.all.length}`, name, arguments: text })
  }
}

function inWords(error: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason as Error
  const why = error instanceof WebError ? error.message : 'its answer cannot be read'
  return new HashdialError('UNAVAILABLE', 'MODEL_FAILED', `the model did not answer: ${why}`)
}
