import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Room } from './room.ts'

export interface Ports {
  sip: number
  api: number
  asteriskSip: number
  ari: number
  mysql: number
  rtpFrom: number
  rtpTo: number
}

const secretNames = ['mysqlRoot', 'mysqlHashdial', 'mysqlKamailio', 'ari', 'adminKey', 'secretKey'] as const
export type Secrets = Record<(typeof secretNames)[number], string>

/** What is particular to one stack; every part takes its values from here. */
export interface Site {
  readonly name: string
  readonly room: Room
  readonly ports: Ports
  readonly secrets: Secrets
  /** Where devices reach Kamailio and the media; 127.0.0.1 unless the operator named an address of this machine. */
  readonly address: string
  readonly baseDomain: string
  /** More environment for Kamailio and Hashdial. */
  readonly env: Readonly<Record<string, string>>
  /** The SIP ports of Asterisks that somebody else starts beside the stack's own. */
  readonly moreAsterisks?: readonly number[]
}

/** Made at random once for each stack; only root reads them. */
export function loadSecrets(folder: string): Secrets {
  const file = join(folder, 'secrets.json')
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>) : {}
  const entries = secretNames.map((name) => [name, known[name] ?? make(name)])
  const secrets = Object.fromEntries(entries) as Secrets
  writeSecret(file, `${JSON.stringify(secrets, null, 2)}\n`)
  return secrets
}

function make(name: (typeof secretNames)[number]): string {
  if (name === 'secretKey') return `k1:${randomBytes(32).toString('base64')}`
  return (name === 'adminKey' ? 'hda_' : '') + randomBytes(16).toString('hex')
}

/** A file that its owner alone can read, from its first byte on. */
export function writeSecret(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text, { mode: 0o600 })
  chmodSync(file, 0o600)
}

/** Gives a file of the stack to a user of the rootfs, whose number the host does not know. */
export function giveTo(room: Room, user: string, ...files: string[]): void {
  const line = readFileSync(join(room.rootfs, 'etc/passwd'), 'utf8').match(
    new RegExp(`^${user}:[^:]*:(\\d+):(\\d+):`, 'm'),
  )
  for (const file of files) chownSync(join(room.folder, file), Number(line?.[1]), Number(line?.[2]))
}
