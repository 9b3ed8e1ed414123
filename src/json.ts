const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** How many values, keys included, are taken: each costs some 0.2 µs to read, and far more to check. */
const mostValues = 40_000

const [quote, backslash] = [0x22, 0x5c]
/** What stands in front of a value or a key: `[`, `{`, `:` and `,`. */
const marks = new Set([0x5b, 0x7b, 0x3a, 0x2c])

/** JSON that a stranger wrote. Throws an Error in words: for what is not JSON in UTF-8, and what would take long. */
export function parseJson(bytes: Uint8Array): unknown {
  if (countMarks(bytes) > mostValues) throw new Error(`it has more than ${mostValues} values`)
  const text = utf8.decode(bytes)
  const value: unknown = JSON.parse(text)
  // A key `__proto__` would change what checks see. Any of its letters can be written as an escape.
  if (/__proto__|\\u00[5-7]/i.test(text) && hasProto(value)) throw new Error('a field cannot be called __proto__')
  return value
}

function countMarks(bytes: Uint8Array): number {
  let count = 0
  let inText = false
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index]!
    if (byte === quote) inText = !inText
    else if (byte === backslash && inText) index++
    else if (!inText && marks.has(byte)) count++
  }
  return count
}

/** One after another, not by recursion: what is deep must not overflow the stack of who looks. */
function hasProto(value: unknown): boolean {
  const left = [value]
  while (left.length > 0) {
    const item = left.pop()
    if (typeof item !== 'object' || item === null) continue
    if (Object.hasOwn(item, '__proto__')) return true
    for (const inner of Object.values(item)) left.push(inner)
  }
  return false
}

/** How many values there are in one, and how deep they go. It is not counted beyond `most`. */
export function sizeOf(value: object, most: number): { values: number; depth: number } {
  let values = 0
  let depth = 0
  for (let level: unknown[] = [value]; ; depth++) {
    const next: unknown[] = []
    for (const item of level) {
      if (typeof item !== 'object' || item === null) continue
      const inner: unknown[] = Object.values(item)
      values += inner.length
      if (values > most) return { values, depth }
      for (const one of inner) next.push(one)
    }
    if (next.length === 0) return { values, depth }
    level = next
  }
}
