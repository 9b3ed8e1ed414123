/** G.711 µ-law (ITU-T G.711, table 2): 13 bits of sound in 8, as a telephone sends it. */
const bias = 0x84
const most = 32635

const decoded = Int16Array.from({ length: 256 }, (_, code) => {
  const value = ~code & 0xff
  const magnitude = ((((value & 0x0f) << 3) + bias) << ((value & 0x70) >> 4)) - bias
  return value & 0x80 ? -magnitude : magnitude
})

export function fromMulaw(bytes: Uint8Array): Int16Array {
  return Int16Array.from(bytes, (code) => decoded[code]!)
}

export function toMulaw(samples: Int16Array): Uint8Array {
  return Uint8Array.from(samples, encode)
}

function encode(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0
  const magnitude = Math.min(Math.abs(sample), most) + bias
  const exponent = 31 - Math.clz32(magnitude) - 7
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff
}
