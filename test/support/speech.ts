import { ensureModels } from '../../src/stack/models.ts'
import { createLogger } from '../../src/log.ts'
import { Voice } from '../../src/voice/voice.ts'
import type { SttEvent } from '../../src/voice/speech.ts'
import { noServices } from '../voice/support.ts'
import type { Sound } from './tone.ts'

/** What the offline transcriber understands, as Hashdial has it. `close` ends its processes. */
export async function transcriber(): Promise<{ read(sound: Sound): Promise<string>; close(): Promise<void> }> {
  const voice = new Voice({
    log: createLogger('silent'),
    modelsFolder: await ensureModels(() => undefined),
    ...noServices,
  })
  return {
    async read({ samples, rate }) {
      const events: SttEvent[] = []
      const signal = new AbortController().signal
      const ear = await voice.stt().listen((event) => events.push(event), { signal })
      ear.write({ samples, rate })
      await ear.close()
      return events.flatMap((event) => (event.type === 'final' ? [event.text] : [])).join(' ')
    },
    close: () => voice.close(),
  }
}

/**
 * How often this was said, going by half of its words: the transcriber writes 9 for nine, and mishears some when the
 * line has lost a packet.
 */
export function timesSaid(text: string, understood: string): number {
  const wanted = words(text)
  const had = words(understood)
  const count = (list: readonly string[], word: string) => list.filter((other) => other === word).length
  const times = [...new Set(wanted)].map((word) => Math.floor(count(had, word) / count(wanted, word)))
  return times.sort((one, other) => other - one)[Math.ceil(times.length / 2) - 1] ?? 0
}

const words = (text: string): string[] => text.toLowerCase().match(/[a-z]+/g) ?? []
