/** G.711 A-law (ITU-T G.711, table 1): every other bit is turned, the sign bit means plus. */
const decoded = Int16Array.from({ length: 256 }, (_, code) => {
  const value = code ^ 0x55
  const exponent = (value & 0x70) >> 4
  const mantissa = (value & 0x0f) << 4
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1)
  return value & 0x80 ? magnitude : -magnitude
})

export function fromAlaw(bytes: Uint8Array): Int16Array {
  return Int16Array.from(bytes, (code) => decoded[code]!)
}
