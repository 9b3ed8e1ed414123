import { createHash } from 'node:crypto'

/** The same id for the same place, in the form of a UUID (RFC 9562, version 8). */
export function idOf(place: string): string {
  const hex = createHash('sha256').update(place).digest('hex')
  const variant = '89ab'[parseInt(hex[16]!, 16) % 4]!
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-')
}
