/** The longest text that is filled in, in characters. */
export const filledMost = 32_768

/**
 * The text with each `${name}` replaced by the variable; one that is not set is empty. It ends where `most` characters do.
 * Each part of it is looked at once, and no more is put together than may stay.
 */
export function fill(text: string, variables: Readonly<Record<string, string>>, most = filledMost): string {
  let filled = ''
  let from = 0
  let changed = false
  while (filled.length < most) {
    const start = text.indexOf('${', from)
    const end = start < 0 ? -1 : text.indexOf('}', start + 2)
    // Without an end there is no name any more, however often one begins.
    if (end < 0) break
    const name = text.slice(start + 2, end)
    filled += text.slice(from, start) + (Object.hasOwn(variables, name) ? variables[name]! : '')
    from = end + 1
    changed = true
  }
  return changed ? (filled + text.slice(from)).slice(0, most) : text
}
