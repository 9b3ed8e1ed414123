/** The elements of SSML 1.1 (W3C), and those that vendors have added with a prefix. */
const elements = new Set([
  ...['speak', 'voice', 'lang', 'prosody', 'emphasis', 'break', 'say-as', 'phoneme', 'sub', 'audio', 'desc', 'p', 's'],
  ...['w', 'token', 'mark', 'lexicon', 'lookup', 'meta', 'metadata', 'par', 'seq', 'media'],
])
const prefixed = /^(amazon|mstts|google|ssml|x):/

/** What ends a sentence, and what stands within one word. The others are a space. */
const breaks = new Set(['break', 'p', 's', 'voice', 'lang', 'par', 'seq', 'media', 'audio'])
const joined = new Set(['w', 'token', 'emphasis'])
const spelled = /\binterpret-as\s*=\s*["']?(characters|spell-out|digits|telephone|verbatim)\b/i

const escapes: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/**
 * The text of SSML, for voices that do not know it: no tag is read aloud, a sentence ends where an element ends one, and
 * what stands for something else (`sub`, characters to spell) is said. Broken markup loses its tags too. What is no
 * SSML stays as it is, but for its escapes: "R&amp;D" is meant to be heard as "R&D", and 3 < 5 is no tag.
 */
export function plainText(text: string): string {
  if (!text.includes('<') && !text.includes('&')) return text
  return unescaped(new Scan(text).words() ?? text)
}

/** One way through the text, in which nothing is looked at twice: it comes from customers, and may be long. */
class Scan {
  #at = 0
  #said = ''
  #isMarkup = false
  /** How the text up to the next tag is said. */
  #mode: 'plain' | 'silent' | 'spelled' = 'plain'

  constructor(readonly text: string) {}

  /** Undefined when there is no element of SSML in it. */
  words(): string | undefined {
    while (this.#at < this.text.length) {
      const tag = this.text.indexOf('<', this.#at)
      this.#say(this.text.slice(this.#at, tag < 0 ? undefined : tag))
      this.#at = tag < 0 ? this.text.length : tag
      if (tag >= 0) this.#tag()
    }
    return this.#isMarkup ? this.#said : undefined
  }

  #tag(): void {
    const { text } = this
    if (text.startsWith('<!--', this.#at)) return void this.#upTo('-->')
    if (text.startsWith('<![CDATA[', this.#at)) return this.#say(escaped(this.#upTo(']]>').slice(9)))
    if (text.startsWith('<?', this.#at) || text.startsWith('<!', this.#at)) return void this.#upTo('>')
    const name = (
      /^<\/?([a-z][\w:-]{0,40})(?=[\s/><"]|$)/i.exec(text.slice(this.#at, this.#at + 50))?.[1] ?? ''
    ).toLowerCase()
    if (elements.has(name) || prefixed.test(name)) return this.#element(name)
    this.#say('<')
    this.#at++
  }

  #element(name: string): void {
    this.#isMarkup = true
    const end = this.#endOfTag(this.#at + 1)
    const tag = this.text.slice(this.#at, end)
    this.#at = end
    this.#mode = 'plain'
    this.#said += breaks.has(name) ? '\n' : joined.has(name) ? '' : ' '
    if (tag.startsWith('</') || tag.endsWith('/>')) return
    if (name === 'desc' || name === 'metadata') this.#mode = 'silent'
    if (name === 'say-as' && spelled.test(tag)) this.#mode = 'spelled'
    const alias = name === 'sub' && /\balias\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(tag)
    if (!alias) return
    this.#say(`${alias[1] ?? alias[2]} `)
    this.#mode = 'silent'
  }

  /** After its `>`, but not one in quotes; a tag that never ends is over where the next one begins, or the text. */
  #endOfTag(from: number): number {
    for (let at = from; at < this.text.length; at++) {
      const character = this.text[at]!
      if (character === '>') return at + 1
      if (character === '<') return at
      if (character !== '"' && character !== "'") continue
      const closing = this.text.indexOf(character, at + 1)
      if (closing >= 0) at = closing
    }
    return this.text.length
  }

  /** What stands before `mark`, or up to the end; both are left behind. */
  #upTo(mark: string): string {
    const found = this.text.indexOf(mark, this.#at)
    const inner = this.text.slice(this.#at, found < 0 ? undefined : found)
    this.#at = found < 0 ? this.text.length : found + mark.length
    return inner
  }

  #say(words: string): void {
    if (this.#mode === 'silent') return
    if (this.#mode === 'plain') this.#said += words
    else this.#said += [...unescaped(words).replace(/\s/g, '')].map(escaped).join(' ')
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** Once, so that `&amp;lt;` is what it says. */
function unescaped(text: string): string {
  return text.replace(/&(#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,5});/gi, (all, name: string) => {
    if (!name.startsWith('#')) return escapes[name.toLowerCase()] ?? all
    const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : Number(name.slice(1))
    const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
    return isCharacter ? String.fromCodePoint(code) : ' '
  })
}
