import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Server, ServerRoute } from '@hapi/hapi'
import Joi from 'joi'
import { WebSocketServer } from 'ws'
import type { DataSource } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { rangeOf } from '../events/feed.ts'
import type { Stream } from '../events/stream.ts'
import type { Logger } from '../log.ts'
import { hashToken } from '../resources/accesskey.ts'
import { authenticate, principalOf, type Authentication, type Principal } from './auth.ts'
import { envelope, headersOf, internalError, knownError, logFailure, newRequestId } from './errors.ts'
import { described } from './route.ts'

const path = '/v1.0/ws'
/** No message of a client is longer. */
const maxMessageBytes = 16_384

/** What OpenAPI says of the stream; who asks without an upgrade is told which events there are. */
export function streamRoute(database: DataSource): ServerRoute {
  const sequence = Joi.number().integer().min(0).required()
  return described({
    ...{ method: 'GET', path, tag: 'operation' },
    summary:
      'A WebSocket of events: {"type": "subscribe", "topics": ["call"], "after": <sequence>} begins, {"type": "unsubscribe", ' +
      '"topics": […]} ends. Each event comes once, in the order of its sequence; "after" resumes without a gap. A ' +
      'heartbeat comes each 30 s; a client that does not read is closed with 4408, one whose key is gone with 4401. ' +
      'Without an upgrade: which events there are',
    answer: Joi.object({
      first: sequence.description('The oldest event that is kept; last + 1: none is.'),
      last: sequence.description('The newest event; 0: there was none yet.'),
    }),
    handler: (request) => rangeOf(database, customerOf(principalOf(request))),
  })
}

/** Takes the WebSockets that come to the server. The token is as for REST, and the URL, which may have it, is not logged. */
export function acceptStreams(server: Server, stream: Stream, auth: Authentication, log: Logger): void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false })
  server.listener.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    accept(request, stream, auth).then(
      ({ customer_id, tokenHash }) =>
        sockets.handleUpgrade(request, socket, head, (client) => stream.add(client, customer_id, tokenHash)),
      (error: unknown) => refuse(socket, error, log),
    )
  })
  server.ext('onPreStop', () => {
    stream.stop()
    sockets.close()
  })
}

async function accept(
  { url = '', headers, socket }: IncomingMessage,
  stream: Stream,
  auth: Authentication,
): Promise<{ customer_id: string; tokenHash: string }> {
  const asked = URL.canParse(url, 'http://here') ? new URL(url, 'http://here') : undefined
  if (asked?.pathname.replace(/\/$/, '') !== path)
    throw new HashdialError('NOT_FOUND', 'ROUTE_NOT_FOUND', `there is no WebSocket at this path: it is ${path}`)
  const given = asked.searchParams.getAll('token')
  const query = { token: given.length > 1 ? given : given[0] }
  const { token, user } = await authenticate({ headers, query }, socket.remoteAddress ?? '', auth)
  const customer_id = customerOf(user)
  if (!stream.hasRoomFor(customer_id)) {
    const how = 'you have too many WebSockets: close one, and subscribe to several topics on each'
    throw new HashdialError('RESOURCE_EXHAUSTED', 'TOO_MANY_STREAMS', how)
  }
  return { customer_id, tokenHash: hashToken(token) }
}

function customerOf(user: Principal): string {
  if (!user.operator) return user.customer_id
  const how = 'the admin key has no stream, and its events are at GET /v1.0/events: use an access key of a customer'
  throw new HashdialError('PERMISSION_DENIED', 'PERMISSION_DENIED', how)
}

/** An answer of HTTP, as REST has it. */
function refuse(socket: Duplex, thrown: unknown, log: Logger): void {
  const error = knownError(thrown) ?? internalError()
  const request_id = newRequestId()
  logFailure(log, error, thrown, request_id)
  const body = JSON.stringify(envelope(error, request_id))
  const headers = {
    ...{ 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) },
    ...{ ...headersOf(error), 'x-request-id': request_id, connection: 'close' },
  }
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const { httpStatus: code } = error
  socket.end(`${[`HTTP/1.1 ${code} ${STATUS_CODES[code]}`, ...head].join('\r\n')}\r\n\r\n${body}`)
}
