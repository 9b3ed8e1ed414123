import sherpa from 'sherpa-onnx-node'
import { data, listen, tell } from '../far.ts'
import type { VadEvent } from '../speech.ts'

export interface SileroSettings {
  model: string
  threshold: number
  silenceSeconds: number
  speechSeconds: number
  utteranceSeconds: number
}

/** What an ear asks of the process, and what it hears back. */
export type SileroQuestion = { ear: number; ask: 'open' | 'end' } | { ear: number; ask: 'hear'; samples: Float32Array }
export interface SileroAnswer {
  ear: number
  event: VadEvent | 'closed'
}

/** Samples at 16 kHz that Silero v5 looks at at once. */
const window = 512
const settings = data as SileroSettings

class Detector {
  readonly #vad = new sherpa.Vad(
    {
      sileroVad: {
        model: settings.model,
        threshold: settings.threshold,
        minSilenceDuration: settings.silenceSeconds,
        minSpeechDuration: settings.speechSeconds,
        maxSpeechDuration: settings.utteranceSeconds,
        windowSize: window,
      },
      ...{ sampleRate: 16_000, numThreads: 1, provider: 'cpu', debug: 0 },
    },
    settings.utteranceSeconds + 15,
  )
  #speaking = false
  #heard = 0
  #told = 0

  constructor(readonly tell: (event: VadEvent | 'closed') => void) {}

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
    const until_ms = this.#heard / 16 - settings.speechSeconds * 1000 - 500
    if (this.#speaking || until_ms < this.#told + 1000) return
    this.#told = until_ms
    this.tell({ type: 'quiet', until_ms })
  }

  #look(): void {
    if (this.#vad.isDetected() && !this.#speaking) {
      this.#speaking = true
      this.tell({ type: 'start', at_ms: Math.max(0, this.#heard / 16 - settings.speechSeconds * 1000) })
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
  if (ask === 'open') detectors.set(ear, new Detector((event) => tell({ ear, event } satisfies SileroAnswer)))
  else if (ask === 'hear') detectors.get(ear)?.hear(question.samples)
  else {
    detectors.get(ear)?.end()
    detectors.delete(ear)
  }
})
