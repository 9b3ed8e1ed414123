import type { Socket } from 'node:net'
import { server as createHapi, type Request, type RouteOptionsCors, type Server } from '@hapi/hapi'
import inert from '@hapi/inert'
import hapiPino from 'hapi-pino'
import Joi from 'joi'
import type { DataSource } from '../database.ts'
import type { Stream } from '../events/stream.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { NodeState } from '../nodes/lease.ts'
import type { Peers } from '../nodes/peers.ts'
import { checkBaseDomain } from '../registrar/account.ts'
import { resources } from '../resources/index.ts'
import type { Site } from '../resources/resource.ts'
import type { Prompts } from '../voice/prompts.ts'
import { createAuthentication, tokenScheme } from './auth.ts'
import { routesOf } from './crud.ts'
import { docsRoutes } from './docs.ts'
import { errorAnswers, requestId } from './errors.ts'
import { healthRoute, type PartHealth } from './health.ts'
import { loginRoutes } from './login.ts'
import { metricsRoute } from './metrics.ts'
import { passRequestsOn } from './pass-on.ts'
import { limitRequests, type RequestLimits } from './requests.ts'
import { soundsRoute } from './sounds.ts'
import { acceptStreams, streamRoute } from './ws.ts'

/** The values of the configuration that the API needs (config.ts). */
interface ApiConfig extends Partial<RequestLimits> {
  readonly adminKeySha256: string
  readonly apiListen: { readonly host: string; readonly port: number }
  readonly authFailures: number
  readonly baseDomain: string
  readonly bodyBytes: number
  readonly hashBytes: number
  readonly corsOrigins?: readonly string[]
}

export interface ServerOptions {
  config: ApiConfig
  database: DataSource
  logger: Logger
  metrics: Metrics
  health: { ari: () => PartHealth; nodes?: () => Record<NodeState, number> }
  /** The other processes. */
  peers?: Peers
  calls?: NonNullable<Site['calls']>
  activeflows?: NonNullable<Site['activeflows']>
  recordings?: NonNullable<Site['recordings']>
  trunkHosts?: NonNullable<Site['trunkHosts']>
  conferences?: NonNullable<Site['conferences']>
  queues?: NonNullable<Site['queues']>
  conversations?: NonNullable<Site['conversations']>
  voice?: NonNullable<Site['voice']>
  transcribes?: NonNullable<Site['transcribes']>
  secrets?: NonNullable<Site['secrets']>
  /** Where clients of WebSockets go to. */
  stream?: Stream
  /** What Asterisk may fetch. */
  prompts?: Pick<Prompts, 'find'>
}

/** The API, complete, but not listening: `await server.start()` does that, and `server.inject` does without. */
export async function createServer({
  config,
  database,
  logger,
  metrics,
  health,
  prompts,
  stream,
  peers,
  ...live
}: ServerOptions): Promise<Server> {
  await checkBaseDomain(database, config.baseDomain)
  const site: Site = { database, baseDomain: config.baseDomain, hashBytes: config.hashBytes, ...live }
  const server = createListener(config)
  server.validator(Joi)
  await server.register([inert, { plugin: hapiPino, options: logging(logger) }])
  const auth = createAuthentication({ database, ...config })
  server.auth.scheme('token', tokenScheme(auth))
  server.auth.strategy('token', 'token')
  server.auth.default('token')
  if (peers) passRequestsOn(server, peers)
  server.ext('onPreResponse', errorAnswers(logger))
  const { apiRequests = Infinity, apiAtOnce = Infinity } = config
  limitRequests(server, { apiRequests, apiAtOnce })
  noteBrokenRequests(server, logger)
  countRequests(server, metrics)
  server.route([healthRoute(database, health), metricsRoute(database, metrics)])
  server.route(resources.flatMap((resource) => routesOf(resource, site)))
  server.route(loginRoutes(site, config.authFailures))
  server.route(streamRoute(database))
  if (stream) acceptStreams(server, stream, auth, logger)
  if (prompts) server.route(soundsRoute(prompts))
  server.route(docsRoutes(server, resources))
  return server
}

function createListener(config: ServerOptions['config']): Server {
  return createHapi({
    ...{ host: config.apiListen.host, port: config.apiListen.port },
    router: { stripTrailingSlash: true },
    routes: {
      cors: corsOf(config.corsOrigins ?? []),
      payload: { maxBytes: config.bodyBytes },
      cache: { otherwise: 'no-store' },
      response: { emptyStatusCode: 204 },
      // Nothing here reads cookies.
      state: { parse: false, failAction: 'ignore' },
      security: { hsts: false, xss: 'disabled', noOpen: false },
      // MySQL can hang without being gone; nobody waits for it longer than this.
      timeout: { server: 10_000 },
    },
  })
}

/** Nothing that a browser sends by itself lets anyone in: the key is in a header, and cookies are not known here. */
function corsOf(origins: readonly string[]): false | RouteOptionsCors {
  if (origins.length === 0) return false
  return {
    ...{ origin: [...origins], credentials: false, maxAge: 600 },
    additionalHeaders: ['Range', 'If-Range'],
    additionalExposedHeaders: ['X-Request-Id', 'Retry-After', 'Content-Disposition', 'Content-Range', 'ETag'],
  }
}

/** One line per request. The query is left out: `?token=` is in it. */
function logging(logger: Logger): object {
  return {
    instance: logger.child(
      {},
      {
        serializers: {
          req: ({ method, path, info }: Request) => ({ method, path: withoutKeys(path), from: info.remoteAddress }),
          res: () => undefined,
        },
      },
    ),
    wrapSerializers: false,
    logEvents: ['response'],
    ignorePaths: ['/health', '/metrics'],
    // Of what is no HTTP: its error has the bytes that came, and a token may be among them. See noteBrokenRequests.
    ignoredEventTags: { log: ['client'], request: '*' },
    getChildBindings: (request: Request) => ({ request_id: requestId(request), req: request }),
    customRequestCompleteMessage: ({ method, path, response }: Request) =>
      `${method} ${withoutKeys(path)} ${(response as { statusCode?: number }).statusCode ?? '-'}`,
  }
}

/** Someone will put a key into the path some day, the operator's too, or a book. No word of our paths is so long. */
function withoutKeys(path: string): string {
  return path.slice(0, 300).replaceAll(/\w{24,}/g, '[removed]')
}

/** What cannot be read as HTTP: hapi answers 400, and nothing of what came is logged. */
function noteBrokenRequests(server: Server, logger: Logger): void {
  server.listener.on('clientError', ({ code = '' }: { code?: string }, { remoteAddress }: Socket) =>
    logger.warn({ code, from: remoteAddress }, 'a request was not HTTP'),
  )
}

function countRequests(server: Server, metrics: Metrics): void {
  server.events.on('response', (request) => {
    const { method } = request
    // The route, not the path: a stranger's paths must not fill the memory.
    const route = request.route.path.includes('{p*}') ? 'unknown' : request.route.path
    const status = String((request.response as { statusCode?: number } | null)?.statusCode ?? 0)
    metrics.requests.inc({ method, route, status })
    metrics.requestSeconds.observe({ method, route }, (request.info.responded - request.info.received) / 1000)
  })
}
