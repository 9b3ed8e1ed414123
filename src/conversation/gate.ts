import { HashdialError } from '../errors.ts'
import type { AudioSink, Stt, SttEvent, SttOptions } from '../voice/speech.ts'
import type { Voice } from '../voice/voice.ts'

/**
 * What tells "mm-hm" from a word that interrupts, beside a server that hears and understands by itself: the offline
 * transcriber, and where its models are not there the beginning and the end of speech alone, whose length decides then.
 */
export const gateOf = (voice: Voice): Pick<Stt, 'listen'> => ({
  async listen(on: (event: SttEvent) => void, options: SttOptions): Promise<AudioSink> {
    try {
      return await voice.stt().listen(on, options)
    } catch (error) {
      if (!(error instanceof HashdialError) || error.reason !== 'MODELS_MISSING') throw error
    }
    return voice.vad().listen((event) => {
      if (event.type === 'start') on({ type: 'start', start_ms: event.at_ms })
      else if (event.type === 'end') on({ ...event, type: 'final', text: '' })
    }, options)
  },
})
