import sherpa from 'sherpa-onnx-node'
import { data, listen, tell } from '../far.ts'
import type { VadEvent } from '../speech.ts'

export interface SileroSettings {
  model: string
  threshold: number
  utteranceSeconds: number
  usual: Pace
  quick: Pace
}

/** So much silence ends speech, and so much speech begins it. */
interface Pace {
  silenceSeconds: number
  speechSeconds: number
}

/** What an ear asks of the process, and what it hears back. */
export type SileroQuestion =
  | { ear: number; ask: 'open'; quick: boolean }
  | { ear: number; ask: 'end' }
  | { ear: number; ask: 'hear'; samples: Float32Array }
export interface SileroAnswer {
  ear: number
  event: VadEvent | 'closed'
}

/** Samples at 16 kHz that Silero v5 looks at at once. */
const window = 512
const settings = data as SileroSettings

type SherpaVad = InstanceType<typeof sherpa.Vad>

function newVad({ silenceSeconds, speechSeconds }: Pace): SherpaVad {
  const { model, threshold, utteranceSeconds } = settings
  const times = { minSilenceDuration: silenceSeconds, minSpeechDuration: speechSeconds }
  const sileroVad = { model, threshold, ...times, maxSpeechDuration: utteranceSeconds, windowSize: window }
  const how = { sampleRate: 16_000, numThreads: 1, provider: 'cpu', debug: 0 } as const
  return new sherpa.Vad({ sileroVad, ...how }, utteranceSeconds + 15)
}

class Detector {
  readonly #vad: SherpaVad
  #speaking = false
  #heard = 0
  #told = 0

  constructor(
    readonly pace: Pace,
    readonly tell: (event: VadEvent | 'closed') => void,
  ) {
    this.#vad = newVad(pace)
  }

  hear(samples: Float32Array): void {
    for (let at = 0; at < samples.length; at += window) {
      const piece = samples.slice(at, at + window)
      this.#vad.acceptWaveform(piece)
      this.#heard += piece.length
      this.#look()
    }
    this.#tellQuiet()
  }

  end(): void {
    this.#vad.flush()
    this.#look()
    this.tell('closed')
  }

  /** What is speech is known after `speechSeconds` of it, and begins a little before. */
  #tellQuiet(): void {
    const until_ms = this.#heard / 16 - this.pace.speechSeconds * 1000 - 500
    if (this.#speaking || until_ms < this.#told + 1000) return
    this.#told = until_ms
    this.tell({ type: 'quiet', until_ms })
  }

  #look(): void {
    if (this.#vad.isDetected() && !this.#speaking) {
      this.#speaking = true
      this.tell({ type: 'start', at_ms: Math.max(0, this.#heard / 16 - this.pace.speechSeconds * 1000) })
    }
    while (!this.#vad.isEmpty()) {
      const { start, samples } = this.#vad.front(false)
      this.#vad.pop()
      // Too short to be told while it was spoken, or the second half of one that was too long.
      if (!this.#speaking) this.tell({ type: 'start', at_ms: start / 16 })
      this.#speaking = false
      this.tell({ type: 'end', start_ms: start / 16, end_ms: (start + samples.length) / 16 })
    }
  }
}

const detectors = new Map<number, Detector>()

listen((question: SileroQuestion) => {
  const { ear, ask } = question
  const pace = ask === 'open' && question.quick ? settings.quick : settings.usual
  if (ask === 'open') detectors.set(ear, new Detector(pace, (event) => tell({ ear, event } satisfies SileroAnswer)))
  else if (ask === 'hear') detectors.get(ear)?.hear(question.samples)
  else {
    detectors.get(ear)?.end()
    detectors.delete(ear)
  }
})
