import { milliseconds, type Pcm } from '../voice/pcm.ts'
import type { ServerEvent } from './realtime-protocol.ts'
import type { Timing, ToolCall } from './row.ts'
import { Utterance } from './utterance.ts'

/** One response of a Realtime server, from the moment it is asked for. */
export class Reply {
  readonly utterance = new Utterance()
  readonly calls: Promise<readonly ToolCall[]>
  responseId = ''
  itemId = ''
  receivedMs = 0
  isOver = false
  readonly #calls: ToolCall[] = []
  #done: (calls: readonly ToolCall[]) => void = () => undefined
  #fail: (error: Error) => void = () => undefined

  constructor(
    readonly id: string,
    readonly options: object,
  ) {
    this.calls = new Promise((resolve, reject) => {
      this.#done = resolve
      this.#fail = reject
    })
    this.calls.catch(() => undefined)
  }

  add(sound: Pcm, itemId = ''): void {
    this.itemId ||= itemId
    this.receivedMs += milliseconds(sound)
    this.utterance.add(sound)
  }

  /** The arguments of a call that was cut off come as done, too: only those of an item that is whole count. */
  item(item: ServerEvent['item']): void {
    if (item?.type !== 'function_call' || (item.status ?? 'completed') !== 'completed') return
    this.#calls.push({ id: item.call_id ?? item.id ?? '', name: item.name ?? '', arguments: item.arguments ?? '' })
  }

  end(error?: Error): void {
    this.isOver = true
    if (error) this.#fail(error)
    else this.#done(this.#calls)
    if (error) this.utterance.fail(error)
    else this.utterance.end()
  }

  /** Nobody wants it any more: what still comes of it is not heard, and what it would have done is not done. */
  cancel(): void {
    this.#done([])
    this.utterance.end()
  }

  /** From the moment when the server saw that the caller had ended. */
  timing(since: number): Timing {
    const { utterance } = this
    return Object.defineProperty({ turn_ms: 0 }, 'first_audio_ms', {
      enumerable: true,
      get: () =>
        utterance.firstSoundAt === undefined || since === 0
          ? undefined
          : Math.max(0, Math.round(utterance.firstSoundAt - since)),
    })
  }
}
