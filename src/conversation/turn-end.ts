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

/** One of these interrupts, however short. */
const interruptions = new Set([
  ...[
    'stop',
    'wait',
    'no',
    'nope',
    'enough',
    'quiet',
    'hold',
    'pause',
    'never',
    'nevermind',
    'dont',
    'but',
    'actually',
  ],
  ...['hello', 'help', 'sorry', 'excuse', 'goodbye', 'bye'],
])

/** Is it no more than an acknowledgement, or nothing? */
export function isAcknowledgement(text: string): boolean {
  const words = wordsOf(text)
  return acknowledgements.has(words.join(' ')) || words.every((word) => acknowledgements.has(word))
}

/** Is it certainly more than that? */
export function isInterruption(text: string): boolean {
  const words = wordsOf(text)
  return words.some((word) => interruptions.has(word)) || (words.length > 2 && !isAcknowledgement(text))
}

function wordsOf(text: string): string[] {
  return (
    text
      .toLowerCase()
      .replace(/[’']/g, '')
      .match(/[\p{L}\p{N}]+/gu) ?? []
  )
}
