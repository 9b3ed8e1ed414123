import { parentPort, workerData } from 'node:worker_threads'
import sherpa from 'sherpa-onnx-node'
import type { VadEvent } from '../speech.ts'

export interface SileroSettings {
  model: string
  threshold: number
  silenceSeconds: number
  speechSeconds: number
  utteranceSeconds: number
}

/** What an ear asks of the thread, and what it hears back. */
export type SileroQuestion = { ear: number; ask: 'open' | 'end' } | { ear: number; ask: 'hear'; samples: Float32Array }
export interface SileroAnswer {
  ear: number
  event: VadEvent | 'closed'
}

/** Samples at 16 kHz that Silero v5 looks at at once. */
const window = 512
const { data } = workerData as { data: SileroSettings }

class Detector {
  readonly #vad = new sherpa.Vad(
    {
      sileroVad: {
        model: data.model,
        threshold: data.threshold,
        minSilenceDuration: data.silenceSeconds,
        minSpeechDuration: data.speechSeconds,
        maxSpeechDuration: data.utteranceSeconds,
        windowSize: window,
      },
      ...{ sampleRate: 16_000, numThreads: 1, provider: 'cpu', debug: 0 },
    },
    data.utteranceSeconds + 15,
  )
  #speaking = false
  #heard = 0

  constructor(readonly tell: (event: VadEvent | 'closed') => void) {}

  hear(samples: Float32Array): void {
    for (let at = 0; at < samples.length; at += window) {
      const piece = samples.slice(at, at + window)
      this.#vad.acceptWaveform(piece)
      this.#heard += piece.length
      this.#look()
    }
  }

  end(): void {
    this.#vad.flush()
    this.#look()
    this.tell('closed')
  }

  #look(): void {
    if (this.#vad.isDetected() && !this.#speaking) {
      this.#speaking = true
      this.tell({ type: 'start', at_ms: Math.max(0, this.#heard / 16 - data.speechSeconds * 1000) })
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

parentPort?.on('message', (question: SileroQuestion) => {
  const { ear, ask } = question
  const answer = (message: SileroAnswer) => parentPort?.postMessage(message)
  if (ask === 'open') detectors.set(ear, new Detector((event) => answer({ ear, event })))
  else if (ask === 'hear') detectors.get(ear)?.hear(question.samples)
  else {
    detectors.get(ear)?.end()
    detectors.delete(ear)
  }
})
