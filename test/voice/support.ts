import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { createLogger } from '../../src/log.ts'
import { fromMulaw, toMulaw } from '../../src/voice/mulaw.ts'
import type { Pcm } from '../../src/voice/pcm.ts'
import { resample } from '../../src/voice/resample.ts'
import { Voice, type VoiceSettings } from '../../src/voice/voice.ts'

export function tone(frequency: number, rate: number, seconds = 1): Pcm {
  const length = Math.round(rate * seconds)
  const at = (index: number) => 10_000 * Math.sin((2 * Math.PI * frequency * index) / rate)
  return { samples: Int16Array.from({ length }, (_, index) => at(index)), rate }
}

/** As a telephone hears it: 8 kHz, µ-law. */
export function byTelephone(sound: Pcm): Pcm {
  return { samples: fromMulaw(toMulaw(resample(sound, 8000).samples)), rate: 8000 }
}

/** Words alone, to compare what was said with what was understood. */
export function words(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9 ]/g, '')
}

export function never(): AbortSignal {
  return new AbortController().signal
}

/** No service beyond this machine. */
export const noServices = {
  ...{ openaiUrl: '', openaiKey: '', openaiVoiceModel: 'tts-1', openaiTranscriptionModel: 'whisper-1' },
  ...{ deepgramUrl: '', deepgramKey: '', elevenlabsUrl: '', elevenlabsKey: '', cartesiaUrl: '', cartesiaKey: '' },
}

export function makeVoice(settings: Partial<VoiceSettings>): Voice {
  return new Voice({
    ...{ log: createLogger('silent'), modelsFolder: '', ...noServices, ...settings },
  })
}

export function voice(t: ExecutionContext, settings: Partial<VoiceSettings> = {}): Voice {
  const made = makeVoice(settings)
  t.teardown(() => made.close())
  return made
}

export async function folder(t: ExecutionContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'hashdial-voice-'))
  t.teardown(() => rm(made, { recursive: true, force: true }))
  return made
}

/** An HTTP server for one test; returns its base URL. */
export async function server(
  t: ExecutionContext,
  answer: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void,
): Promise<string> {
  const http = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => answer(request, response, Buffer.concat(parts)))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    http.closeAllConnections()
    http.close()
  })
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`
}
