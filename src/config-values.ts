import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { parseDatabaseUrl } from './database/url.ts'

// How each kind of value in the environment is read: what is wrong with it, and how to mend it, is said in words.

/** A value of the environment: its unit, its default (none: it must be given) and one line of why. The README's table is made from these. */
export interface Setting<T> {
  readonly variable: string
  readonly unit: string
  readonly default?: string
  readonly why: string
  /** Throws an Error that says what is wrong and how to mend it; never repeats a value that may be secret. */
  readonly parse: (text: string) => T
}

export const setting = <T>(value: Setting<T>): Setting<T> => value

export interface AriUrl {
  /** The name of this Asterisk in calls and logs: host:port. */
  readonly node: string
  readonly url: string
}

export interface Listen {
  readonly host: string
  readonly port: number
}

export function text(longest: number) {
  return (value: string): string => {
    if (value.length > longest) throw new Error(`has ${value.length} characters; at most ${longest} are possible`)
    return value
  }
}

/** Its length is all that is said of one. */
export function secret(least: number) {
  return (value: string): string => {
    if (value === '' || (value.length >= least && value.length <= 1024)) return value
    throw new Error(`has ${value.length} characters; give ${least} to 1024 that nobody can guess`)
  }
}

export function whole(least: number, most: number) {
  return (value: string): number => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : NaN
    if (number >= least && number <= most) return number
    throw new Error(`is "${value.slice(0, 40)}"; give a whole number from ${least} to ${most}`)
  }
}

export function oneOf<Word extends string>(words: readonly Word[]) {
  return (value: string): Word => {
    const word = words.find((candidate) => candidate === value)
    if (word) return word
    throw new Error(`is "${value.slice(0, 40)}"; give one of ${words.join(', ')}`)
  }
}

export function networks(value: string): readonly string[] {
  return Object.freeze(value.split(',').flatMap((part) => (part.trim() ? [network(part.trim())] : [])))
}

function network(value: string): string {
  const [address = '', prefix, ...more] = value.split('/')
  const most = [0, 0, 0, 0, 32, 0, 128][isIP(address)]
  const known = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= most!)
  if (most && known && more.length === 0) return value
  throw new Error(`has "${value.slice(0, 40)}"; give networks such as 10.1.0.0/16, 192.0.2.7 or fd00::/8`)
}

export function domain(value: string): string {
  // 180: `<customer id>.registrar.` stands in front of it, and a domain name has at most 253 characters.
  const shape = /^(?=.{1,180}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/
  if (shape.test(value)) return value
  throw new Error(`is "${value.slice(0, 40)}"; give a domain name in lower case, such as voice.example.com`)
}

export function sha256(value: string): string {
  if (/^([0-9a-fA-F]{64})?$/.test(value)) return value.toLowerCase()
  throw new Error("is not 64 hex digits; make them with: printf %s 'the key' | sha256sum")
}

export function listen(value: string): Listen {
  const [, ipv6, host = ipv6, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(value) ?? []
  if (host && Number(port) <= 65535) return Object.freeze({ host, port: Number(port) })
  throw new Error(`is "${value.slice(0, 40)}"; give address:port, such as 127.0.0.1:8080 or [::1]:8080`)
}

export function databaseUrl(value: string): string {
  const { sslCa, sslCert, sslKey } = parseDatabaseUrl(value)
  for (const file of [sslCa, sslCert, sslKey])
    if (file !== undefined && !existsSync(file)) throw new Error(`names the file ${file}, which is not there`)
  return value
}

export function httpUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (value === '' || url?.protocol === 'http:' || url?.protocol === 'https:') return value.replace(/\/$/, '')
  throw new Error('is not a URL of the form http://host:port or https://host/path')
}

export function socketUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === 'ws:' || url?.protocol === 'wss:') return value.replace(/\/$/, '')
  throw new Error('is not a URL of the form ws://host:port or wss://host')
}

/** Each by its name: a `*` would let any page that somebody visits try the API of this network. */
export function origins(value: string): readonly string[] {
  const all = value.split(',').flatMap((part) => (part.trim() ? [part.trim()] : []))
  for (const one of all) {
    const url = URL.canParse(one) ? new URL(one) : undefined
    if (/^https?:$/.test(url?.protocol ?? '') && url?.origin === one && !one.includes('*')) continue
    throw new Error(
      `has "${one.slice(0, 60)}"; give origins such as https://console.example.com or http://127.0.0.1:3000`,
    )
  }
  return Object.freeze(all)
}

export function ariUrls(value: string): readonly AriUrl[] {
  const urls = value.split(',').map((part, index) => {
    const url = URL.canParse(part.trim()) ? new URL(part.trim()) : undefined
    const known = url?.protocol === 'http:' || url?.protocol === 'https:'
    if (!known || !url.username || !url.password) {
      throw new Error(`has an entry (number ${index + 1}) that is not of the form http://user:password@host:8088`)
    }
    const node = `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`
    return Object.freeze({ node, url: url.href.replace(/\/$/, '') })
  })
  const twice = urls.find(({ node }, index) => urls.findIndex((other) => other.node === node) !== index)
  if (twice) throw new Error(`names ${twice.node} twice; name each Asterisk once`)
  return Object.freeze(urls)
}

/** `id:base64` of AES-256 keys. An id may not come twice: what was encrypted with it names no more than that. */
export function secretKeys(value: string): readonly { readonly id: string; readonly key: Buffer }[] {
  const keys = value.split(',').flatMap((part, index) => (part.trim() ? [secretKey(part.trim(), index + 1)] : []))
  const twice = keys.find(({ id }, index) => keys.findIndex((other) => other.id === id) !== index)
  if (twice) throw new Error(`has two keys with the id "${twice.id}"; give each its own`)
  return Object.freeze(keys)
}

function secretKey(text: string, number: number): { readonly id: string; readonly key: Buffer } {
  const [, id, base64 = ''] = /^([A-Za-z0-9_-]{1,16}):([A-Za-z0-9+/]{43}=)$/.exec(text) ?? []
  if (id) return Object.freeze({ id, key: Buffer.from(base64, 'base64') })
  throw new Error(
    `has an entry (number ${number}) that is not id:key; make one with: echo "k1:$(openssl rand -base64 32)"`,
  )
}
