/** Longer pieces are cut at a comma or a space: the first sound is there sooner, and an abort waits less. */
const longest = 240

/** A text of no more characters than this is one passage: it is made in a moment. */
const shortText = 120

/** The least and the most characters of the passages that follow one another; each takes longer to be heard than the next to be made. */
const passageLengths = [40, 120, 240, 480] as const

/**
 * A long text as passages that are made and heard one after another: the first is hardly more than its first sentence,
 * so that the caller hears it soon, and the later ones are longer.
 */
export function passages(text: string): string[] {
  const all = sentences(text)
  if (all.length === 0) return []
  if (all.join(' ').length <= shortText) return [all.join(' ')]
  const made: string[] = []
  for (const sentence of all) {
    const last = made.at(-1)
    const length = passageLengths[Math.min(made.length - 1, passageLengths.length - 1)] ?? 0
    const isFirst = made.length === 1
    const fits = last !== undefined && (isFirst ? last.length < length : last.length + sentence.length < length)
    if (fits) made[made.length - 1] = `${last} ${sentence}`
    else made.push(sentence)
  }
  return made
}

/** Text as pieces that are spoken one after another. */
export function sentences(text: string, language = 'en'): string[] {
  const segmenter = new Intl.Segmenter(language, { granularity: 'sentence' })
  return [...segmenter.segment(text)]
    .flatMap(({ segment }) => [...cut(segment.replace(/\s+/g, ' ').trim())])
    .filter((piece) => piece !== '')
}

function* cut(sentence: string): Generator<string> {
  let rest = sentence
  while (rest.length > longest) {
    const head = rest.slice(0, longest)
    const at = Math.max(head.lastIndexOf(', '), head.lastIndexOf('; ')) + 1 || head.lastIndexOf(' ') || longest
    const end = at > 0 ? at : longest
    yield rest.slice(0, end).trim()
    rest = rest.slice(end).trim()
  }
  yield rest
}
