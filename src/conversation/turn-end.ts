/** Who ends with one of these goes on. */
const hanging = /\b(?:and|but|or|so|because|to|the|a|an|my|of|for|with|is|um+|uh+|er+|like|if|that|in|at)$/i

/**
 * How long after a caller fell silent their turn is over, in milliseconds, going by what they have said: the numbers are
 * those that others have arrived at (a sentence that is whole 100, digits 500, one that hangs 1,300), with `isAnswer` for
 * a word or two in answer to a question of ours.
 */
export function turnEndMs(text: string, isAnswer: boolean): number {
  const said = text.trim()
  const words = said.split(/\s+/)
  const bare = said.replace(/[.!?,…]+$/, '')
  if (hanging.test(bare)) return 1_300
  if (/\d$|\b(?:zero|one|two|three|four|five|six|seven|eight|nine)$/i.test(bare)) return 500
  if (isAnswer && words.length <= 2) return 0
  return /[.!?]$/.test(said) ? 100 : 600
}

/** What somebody says to show that they listen: it is no interruption. */
const acknowledgements = new Set([
  ...['mm', 'mmm', 'mhm', 'mmhm', 'mm hm', 'mm hmm', 'hmm', 'hm', 'uh huh', 'uhhuh', 'ah', 'oh', 'aha', 'um', 'uh'],
  ...['yeah', 'yes', 'yep', 'ok', 'okay', 'right', 'sure', 'alright', 'all right', 'got it', 'i see', 'i understand'],
  ...['understood', 'good', 'great', 'im with you', 'im listening', 'yeah sure', 'yeah okay', 'true', 'exactly'],
])

/** Is it no more than that, or nothing? */
export function isAcknowledgement(text: string): boolean {
  const words = text
    .toLowerCase()
    .replace(/[’']/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
  if (words === '' || acknowledgements.has(words)) return true
  return words.split(' ').every((word) => acknowledgements.has(word))
}
