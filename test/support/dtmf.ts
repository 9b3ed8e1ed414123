import { toMulaw } from '../../src/voice/mulaw.ts'

const rows = [697, 770, 852, 941]
const columns = [1209, 1336, 1477, 1633]
const keys = '123A456B789C*0#D'

/** Keys as a telephone without signalling sends them (ITU-T Q.23): two tones each, 120 ms long, as raw µ-law. */
export function inBand(text: string, before = 0, after = 1_000): Uint8Array {
  const parts = [...text].flatMap((key) => [keySound(key), new Int16Array(120 * 8)])
  const all = [new Int16Array(before * 8), ...parts, new Int16Array(after * 8)]
  return toMulaw(Int16Array.from(all.flatMap((part) => [...part])))
}

function keySound(key: string): Int16Array {
  const index = keys.indexOf(key)
  const pair = [rows[index >> 2]!, columns[index & 3]!]
  const at = (sample: number) =>
    pair.reduce((sum, hz) => sum + 6_000 * Math.sin((2 * Math.PI * hz * sample) / 8_000), 0)
  return Int16Array.from({ length: 120 * 8 }, (_, sample) => at(sample))
}

/** Something like a word: 300 ms of one tone, between silence. */
export function oneWord(before: number, after: number): Uint8Array {
  const tone = Int16Array.from(
    { length: 300 * 8 },
    (_, sample) => 9_000 * Math.sin((2 * Math.PI * 440 * sample) / 8_000),
  )
  return toMulaw(Int16Array.from([...new Int16Array(before * 8), ...tone, ...new Int16Array(after * 8)]))
}
