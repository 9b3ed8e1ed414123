import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { StackError } from './shell.ts'

interface Source {
  uri: string
  suites: string[]
}

/**
 * The Debian mirror that this machine uses itself: the source that has the machine's own suite.
 * Both formats of sources.list(5) are read: one-line (`deb URI SUITE …`) and deb822 (`URIs: …`).
 */
export function debianMirror(apt = '/etc/apt', suite = suiteOfThisMachine()): string {
  const folder = join(apt, 'sources.list.d')
  const files = [join(apt, 'sources.list')]
  if (existsSync(folder)) files.push(...readdirSync(folder).map((name) => join(folder, name)))
  const sources = files.filter((file) => existsSync(file)).flatMap((file) => readSources(file))
  const names = [suite, 'stable', 'testing', 'unstable', 'sid']
  const found = sources.find((source) => source.suites.some((name) => names.includes(name)))
  if (!found) {
    throw new StackError(
      'No Debian mirror was found in this machine’s apt configuration. Name one with HASHDIAL_DEBIAN_MIRROR=<url>, ' +
        'or use a Docker engine instead: docker compose up',
    )
  }
  return directUri(found.uri)
}

function readSources(file: string): Source[] {
  const text = readFileSync(file, 'utf8')
  if (file.endsWith('.sources')) return readStanzas(text)
  if (!file.endsWith('.list')) return []
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line)
    return match ? [{ uri: match[1]!, suites: [match[2]!] }] : []
  })
}

function readStanzas(text: string): Source[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) => new RegExp(`^${name}:\\s*(.+)$`, 'im').exec(stanza)?.[1]?.trim().split(/\s+/) ?? []
    if (!field('Types').includes('deb') || field('Enabled').includes('no')) return []
    return field('URIs').map((uri) => ({ uri, suites: field('Suites') }))
  })
}

/** Debian's cloud images name a file of mirrors (`mirror+file:/etc/apt/mirrors/debian.list`): its first one is taken. */
function directUri(uri: string): string {
  const list = /^mirror\+file:(\/.*)$/.exec(uri)?.[1]
  if (list === undefined) return uri
  const first = readFileSync(list, 'utf8').match(/^\s*(https?:\/\/\S+)/m)?.[1]
  if (first === undefined) throw new StackError(`${list}, which apt is told to take its mirrors from, names none`)
  return first
}

function suiteOfThisMachine(): string {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  if (!/^ID=debian$/m.test(release)) return 'sid' // an Ubuntu’s mirror has no Debian: only a Debian source will do
  return /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1] ?? 'sid'
}
