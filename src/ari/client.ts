import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import type { AriOperations } from './operations.ts'
import { AriError } from './types.ts'

interface SwaggerRequest {
  url: string
  method: string
  on: { response(response: { data: string }): void; error(response: { data: string } & object): void }
}

/** An operation as Asterisk's api-docs describe it. */
interface Operation {
  method: string
  /** Below /ari: `/channels/{channelId}/dial`. */
  path: string
  parameters: { name: string; paramType: 'path' | 'query' | 'body' }[]
  /** What it answers; null: nothing. */
  type: string | null
}

type Apis = Record<string, { operations: Record<string, Operation> }>

/** Carries one request to Asterisk. `uri` is relative to /ari/. Rejects with AriError. */
export type Carrier = (method: string, uri: string, body?: string) => Promise<string>

const require = createRequire(import.meta.url)
const ariClient = require('ari-client') as {
  connect(url: string, user: string, password: string): Promise<{ _swagger: { apis: Apis } }>
}
const { SwaggerHttp, authorizations } = require('swagger-client') as {
  SwaggerHttp: { prototype: { execute(request: SwaggerRequest): void } }
  authorizations: { remove(name: string): void }
}

/** By the made-up host under which ari-client knows an Asterisk. */
const carriers = new Map<string, Carrier>()
let loaded = 0

/** How long reading the api-docs may take, in milliseconds. */
const patience = 10_000

// ari-client 2.2.0 (2019) knows every operation from Asterisk's own api-docs, but its transport has no deadline, throws
// strings from callbacks and opens a connection for each request, and what it makes of the responses was a seventh of our
// time in a call. So only its knowledge of operations is used. It reads the api-docs through this one function.
SwaggerHttp.prototype.execute = (request) => {
  const url = new URL(request.url)
  const uri = url.pathname.replace(/^\/ari\//, '')
  const carrier = carriers.get(url.host) ?? (() => Promise.reject(new AriError(0, 'this connection has been ended')))
  carrier(request.method, uri)
    .then(
      (data) => request.on.response({ data }),
      // Without `data` ari-client hands the error on as it is.
      (error: Error & { data: never }) => request.on.error(error),
    )
    // What it throws here is a string that says less than the error that it was given.
    .catch(() => undefined)
}

/**
 * Reads the api-docs of an Asterisk through `carrier`, and gives its operations, which travel by `carrier` too.
 * `origin` is what Asterisk calls itself there. Rejects where something is wrong with them.
 */
export async function loadOperations(origin: string, carrier: Carrier): Promise<AriOperations> {
  const apis = await readApiDocs(origin, carrier)
  const callable = Object.entries(apis).map(([name, { operations }]) => [
    name,
    Object.fromEntries(Object.entries(operations).map(([key, operation]) => [key, callableBy(carrier, operation)])),
  ])
  return Object.fromEntries(callable) as AriOperations
}

/** An operation as a function: each parameter goes where the api-docs say. */
function callableBy(carrier: Carrier, { method, path, parameters, type }: Operation) {
  const named = (kind: string) => parameters.filter(({ paramType }) => paramType === kind).map(({ name }) => name)
  const [query, [content]] = [named('query'), named('body')]
  return async (values: Record<string, unknown> = {}): Promise<unknown> => {
    const text = (name: string) => encodeURIComponent(String(values[name]))
    const location = path.slice(1).replace(/\{(\w+)\}/g, (_, name: string) => text(name))
    const search = query.filter((name) => values[name] !== undefined).map((name) => `${name}=${text(name)}`)
    const uri = search.length > 0 ? `${location}?${search.join('&')}` : location
    const answer = await carrier(method.toUpperCase(), uri, content && bodyOf(content, values[content]))
    return type === null || answer === '' ? undefined : JSON.parse(answer)
  }
}

/** Variables are a part of the body (`{"variables": {…}}`), anything else is all of it. */
function bodyOf(name: string, value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(name === 'variables' ? { variables: value } : value)
}

async function readApiDocs(origin: string, carrier: Carrier): Promise<Apis> {
  const host = `asterisk-${++loaded}.ari`
  // Several connections may lead to one Asterisk, so each has a name of its own.
  carriers.set(host, async (...request) => (await carrier(...request)).replaceAll(origin, `http://${host}`))
  const timer = new AbortController()
  const late = delay(patience, undefined, { signal: timer.signal }).then(() => {
    throw new AriError(0, `Asterisk’s api-docs could not be read within ${patience} ms`)
  })
  const unmute = muteConsole()
  try {
    const client = await Promise.race([ariClient.connect(`http://${host}`, '', ''), late])
    return client._swagger.apis
  } finally {
    carriers.delete(host)
    // The carrier knows the user; swagger-client would encode it anew, and globally, for every request.
    authorizations.remove('basic-auth')
    unmute()
    timer.abort()
    late.catch(() => undefined)
  }
}

/* eslint-disable no-console */
const print = console.log
let mutes = 0

/**
 * swagger-client prints a note about Swagger 1.1 with console.log for all api-docs that it reads. Those of several Asterisks
 * may be read at once.
 */
function muteConsole(): () => void {
  mutes++
  console.log = () => undefined
  return () => {
    if (--mutes === 0) console.log = print
  }
}
/* eslint-enable no-console */
