import { existsSync, readFileSync } from 'node:fs'

export interface Sound {
  rate: number
  samples: Int16Array
}

/**
 * A mono 16 bit WAV file, also one that is still being written: its header may not tell the length yet, so whatever
 * follows the header counts.
 */
export function readWav(file: string): Sound {
  return parseWav(existsSync(file) ? readFileSync(file) : Buffer.alloc(0), file)
}

export function parseWav(bytes: Buffer, file = 'the file'): Sound {
  const data = bytes.indexOf('data', 12, 'latin1')
  if (data < 0) return { rate: 8000, samples: new Int16Array(0) }
  const [channels, bits] = [bytes.readUInt16LE(22), bytes.readUInt16LE(34)]
  if (channels !== 1 || bits !== 16)
    throw new Error(`${file} has ${channels} channels of ${bits} bits; 1 of 16 is read here`)
  const samples = new Int16Array((bytes.length - data - 8) >> 1)
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(data + 8 + i * 2)
  return { rate: bytes.readUInt32LE(24), samples }
}

/** The last part of a sound; fewer samples when it is shorter. */
export function lastSeconds({ rate, samples }: Sound, seconds: number): Sound {
  return { rate, samples: samples.subarray(Math.max(0, samples.length - Math.round(seconds * rate))) }
}

/** How much of a sound’s energy is in one tone: 1 for the tone alone, 0.5 beside another as loud, 0 without it (Goertzel). */
export function share({ rate, samples }: Sound, frequency: number): number {
  const turn = 2 * Math.cos((2 * Math.PI * frequency) / rate)
  let [before, last, energy] = [0, 0, 0]
  for (const sample of samples) {
    const next = sample + turn * last - before
    before = last
    last = next
    energy += sample * sample
  }
  if (energy === 0) return 0
  const tone = before * before + last * last - turn * before * last
  return (2 * tone) / (samples.length * energy)
}

/** Root mean square of the samples: 0 is silence, a tone of full scale is about 23,000. */
export function loudness({ samples }: Sound): number {
  if (samples.length === 0) return 0
  let energy = 0
  for (const sample of samples) energy += sample * sample
  return Math.sqrt(energy / samples.length)
}

/** Which of these tones are in the sound, each with a twentieth of its energy at least. Silence has none. */
export function tonesHeard(sound: Sound, frequencies: readonly number[]): number[] {
  if (loudness(sound) < 100) return []
  return frequencies.filter((frequency) => share(sound, frequency) >= 0.05)
}
