/** Longer pieces are cut at a comma or a space: the first sound is there sooner, and an abort waits less. */
const longest = 240

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
