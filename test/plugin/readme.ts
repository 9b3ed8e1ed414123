import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A part of README that is typed somewhere: what it says of the place in its first line, and the lines themselves. */
export interface Snippet {
  place: string
  text: string
}

/** README, 'A first call': what replaces the demo's address. */
export function firstCall(): string {
  return /^## A first call$.*?^```sh\n(.*?)^```$/ms.exec(readme)![1]!
}

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** README, section 'Into your own Kamailio and Asterisk', with the values of one site. */
export class Recipe {
  readonly #snippets: readonly Snippet[]
  readonly #secrets = new Map<string, string>()

  /** `network` takes the place of 10.0.0; the checkout is not in /opt. */
  constructor(network: string) {
    const section = /^## Into your own Kamailio and Asterisk$(.*?)^## /ms.exec(readme)![1]!
    const blocks = [...section.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    this.#snippets = blocks.flatMap(([, kind = '', text = '']) =>
      text
        .split(/^(?=[#;] \/etc\/)/m)
        .map((part) => ({ place: /^[#;] (\/etc\/.*)$/m.exec(part)?.[1] ?? kind, text: this.#fill(part, network) })),
    )
  }

  /** The snippets for a place that begins with these words, in their order. */
  for(place: string): string[] {
    const found = this.#snippets.filter((snippet) => snippet.place.startsWith(place)).map(({ text }) => text)
    if (found.length === 0) throw new Error(`README has nothing for ${place}`)
    return found
  }

  /** What is written as `<name>` there. */
  secret(name: string): string {
    const known = this.#secrets.get(name) ?? randomBytes(16).toString('hex')
    this.#secrets.set(name, known)
    return known
  }

  #fill(text: string, network: string): string {
    return text
      .replaceAll('10.0.0.', `${network}.`)
      .replaceAll('/opt/hashdial/', '/hashdial/')
      .replace(/<SHA-256 of the admin key>/g, () => createHash('sha256').update(this.secret('admin key')).digest('hex'))
      .replace(/<([A-Za-z][\w -]+)>/g, (_, name: string) => this.secret(name))
  }
}
