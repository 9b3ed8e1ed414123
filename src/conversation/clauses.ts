/** The first clause may be this short, so that it is heard soon; later ones are whole sentences. */
const shortest = 16
const longest = 240

/** What comes in tokens, as pieces that can be spoken one after another: without what is not to be spoken. */
export class Clauses {
  #text = ''
  #isFirst = true
  /** What came last: it may be the beginning of a tag. */
  #raw = ''
  /** Of a model that thinks aloud: nobody is to hear that. */
  #thinks = false

  /** The clauses that are whole by now. */
  write(text: string): string[] {
    this.#skipThoughts(text)
    const clauses: string[] = []
    for (let end = this.#end(); end > 0; end = this.#end()) {
      clauses.push(this.#text.slice(0, end))
      this.#text = this.#text.slice(end)
      this.#isFirst = false
    }
    return clauses.map(speakable).filter((clause) => clause !== '')
  }

  /** The rest. */
  end(): string[] {
    const rest = speakable(this.#text + (this.#thinks ? '' : this.#raw))
    this.#text = ''
    this.#raw = ''
    return rest === '' ? [] : [rest]
  }

  /** Where the first clause ends; 0: it may go on. */
  #end(): number {
    const marks = this.#isFirst ? /[.!?;:,\n](?=\s)|\n/g : /[.!?\n](?=\s)|\n/g
    for (const { index } of this.#text.matchAll(marks)) {
      const isDecimalOrTitle = /\b(?:Mr|Mrs|Ms|Dr|St|No|e\.g|i\.e)\.$/.test(this.#text.slice(0, index + 1))
      if (index + 1 >= (this.#isFirst ? shortest : 1) && !isDecimalOrTitle) return index + 1
    }
    if (this.#text.length < longest) return 0
    return this.#text.lastIndexOf(' ', longest) + 1 || longest
  }

  #skipThoughts(text: string): void {
    this.#raw += text
    for (;;) {
      const tag = this.#thinks ? '</think>' : '<think>'
      const at = this.#raw.indexOf(tag)
      const end = at < 0 ? this.#raw.length - begun(this.#raw, tag) : at
      if (!this.#thinks) this.#text += this.#raw.slice(0, end)
      this.#raw = this.#raw.slice(at < 0 ? end : at + tag.length)
      if (at < 0) return
      this.#thinks = !this.#thinks
    }
  }
}

/** How many characters of the tag the text ends with. */
function begun(text: string, tag: string): number {
  for (let length = tag.length - 1; length > 0; length--) if (text.endsWith(tag.slice(0, length))) return length
  return 0
}

/** Without marks that are for the eye: Markdown, links, emoji. */
function speakable(text: string): string {
  return text
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/https?:\/\/\S+/g, '')
    .replace(/[*_`#~|]+/g, '')
    .replace(/^\s*[-•]\s+/gm, '')
    .replace(/\p{Extended_Pictographic}|\uFE0F|\u200D/gu, '')
    .replace(/\s+/g, ' ')
    .trim()
}
