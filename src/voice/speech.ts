import type { Pcm } from './pcm.ts'

/** Text to speech. */
export interface Tts {
  /**
   * Speaks: the sound in order, all of it at one rate, each piece as soon as it is there. An abort throws the signal's
   * reason; not reading on stops the work too.
   */
  synthesize(text: string, options: TtsOptions): AsyncIterable<Pcm>
  /** Throws a HashdialError when it cannot speak like that: so that a flow with a wrong voice is refused when it is saved. */
  check(options: Omit<TtsOptions, 'signal'>): void
  /** Starts what the first speech would have to wait for. */
  warmUp?(): void
}

export interface TtsOptions {
  /** One of the provider's voices; its standard voice when empty. */
  voice?: string | undefined
  /** A BCP 47 tag, such as en-US. */
  language?: string | undefined
  /** Whose speech it is: the owners take turns. */
  owner?: string | undefined
  signal: AbortSignal
}

/** Speech to text, while it is spoken. */
export interface Stt {
  /** Listens to one voice until `close`, or until the signal aborts. Events come in the order of what was said. */
  listen(on: (event: SttEvent) => void, options: SttOptions): Promise<AudioSink>
  /** Throws a HashdialError when it does not know that language. */
  check(options: Omit<SttOptions, 'signal'>): void
}

export interface SttOptions {
  language?: string | undefined
  /** Tell what was understood so far, about once a second; a function is asked each time whether that is wanted now. */
  interim?: boolean | (() => boolean) | undefined
  /** Asked at the end of each utterance whether its text is wanted; where it is not, the text is ''. */
  final?: (() => boolean) | undefined
  /** As of a Vad. */
  quick?: boolean | undefined
  /** Who wants it understood: the owners take turns. */
  owner?: string | undefined
  signal: AbortSignal
}

/** Times are milliseconds of sound since the ear was opened. */
export type SttEvent =
  | { type: 'start'; start_ms: number }
  /** Each start has a final, or an error; the text is empty when it was a noise and no word. */
  | { type: 'interim'; start_ms: number; end_ms: number; text: string }
  /** `isTurn`: who understands says too that the speaker has said all. */
  | { type: 'final'; start_ms: number; end_ms: number; text: string; isTurn?: boolean }
  /** This utterance is lost; the next may do. */
  | { type: 'error'; start_ms: number; end_ms: number; error: Error }

/** Tells speech from everything else: where an utterance begins and ends, and when somebody breaks in. */
export interface Vad {
  listen(on: (event: VadEvent) => void, options: VadOptions): Promise<AudioSink>
}

export interface VadOptions {
  /** For a conversation: speech is told after 50 ms of it in place of 200, and its end after 200 ms in place of 500. */
  quick?: boolean | undefined
  signal: AbortSignal
}

/** Times are milliseconds of sound since the ear was opened. */
export type VadEvent =
  | { type: 'start'; at_ms: number }
  | { type: 'end'; start_ms: number; end_ms: number }
  /** Up to here nobody speaks: told from time to time, so that the sound need not be kept. */
  | { type: 'quiet'; until_ms: number }

export interface AudioSink {
  /** Takes sound of any length and rate. */
  write(sound: Pcm): void
  /** What is being said counts as said; resolves when its last event is out. */
  close(): Promise<void>
}
