import { createHash, timingSafeEqual } from 'node:crypto'
import type { Request, ResponseToolkit, ServerAuthSchemeObject } from '@hapi/hapi'
import type { DataSource } from '../database.ts'
import { HashdialError } from '../errors.ts'
import { customerOfToken } from '../resources/accesskey.ts'
import { agentOfToken } from '../resources/agent-token.ts'
import { FailureLimit } from './limit.ts'
import { isForAgents } from './route.ts'

/** Who asks: the operator with the admin key, or a customer with one of its access keys, or one of its agents. */
export type Principal =
  | { readonly operator: true }
  | {
      readonly operator: false
      readonly customer_id: string
      /** The agent itself asks, with the token of its login. */
      readonly agent_id?: string
    }

export interface AuthOptions {
  readonly database: DataSource
  readonly adminKeySha256: string
  /** Failures a minute that one source address may have. */
  readonly authFailures: number
}

export function principalOf(request: Request): Principal {
  return request.auth.credentials.user as Principal
}

interface Asking {
  headers: { authorization?: string | undefined }
  query: { token?: string | string[] | undefined }
}

/** The token of the header, else of `?token=`. */
function tokenOf({ headers: { authorization }, query: { token } }: Asking): string | undefined {
  if (authorization !== undefined) return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? ''
  return Array.isArray(token) ? '' : token
}

export function isAdminKey(token: string, adminKeySha256: string): boolean {
  const hash = createHash('sha256').update(token).digest()
  // Compared in constant time, and with something of the same length even where no admin key is configured.
  return timingSafeEqual(hash, adminKeySha256 ? Buffer.from(adminKeySha256, 'hex') : Buffer.alloc(32))
}

/** What REST and the stream know callers by: failures of both count together. */
export interface Authentication extends AuthOptions {
  readonly limit: FailureLimit
}

export function createAuthentication(options: AuthOptions): Authentication {
  return { ...options, limit: new FailureLimit(options.authFailures) }
}

export function tokenScheme(auth: Authentication): () => ServerAuthSchemeObject {
  return () => ({
    async authenticate(request: Request, h: ResponseToolkit) {
      const { user } = await authenticate(request, request.info.remoteAddress, auth, isForAgents(request))
      return h.authenticated({ credentials: { user } })
    },
  })
}

/** Who asks, or an error that says why not. An agent may have nothing that is not said to be for agents. */
export async function authenticate(
  asking: Asking,
  address: string,
  auth: Authentication,
  forAgents = false,
): Promise<{ token: string; user: Principal }> {
  const token = tokenOf(asking)
  if (token === undefined) throw missing()
  const user = await identify(token, auth)
  if (!user) throw refuse(auth.limit.fail(address))
  if (!forAgents && !user.operator && user.agent_id !== undefined) throw notForAgents()
  return { token, user }
}

export async function identify(token: string, options: AuthOptions): Promise<Principal | undefined> {
  if (isAdminKey(token, options.adminKeySha256)) return { operator: true }
  const agent = await agentOfToken(options.database, token)
  if (agent) return { operator: false, customer_id: agent.customer_id, agent_id: agent.id }
  const customer_id = await customerOfToken(options.database, token)
  return customer_id === undefined ? undefined : { operator: false, customer_id }
}

function notForAgents(): HashdialError {
  const how = 'the token of an agent reads the agent and changes its status and its password, and nothing else'
  return new HashdialError('PERMISSION_DENIED', 'PERMISSION_DENIED', how)
}

function missing(): HashdialError {
  const how = 'give an access key as ?token=… or as the header Authorization: Bearer …'
  return new HashdialError('UNAUTHENTICATED', 'AUTHENTICATION_REQUIRED', how)
}

/** Good keys from the same address are looked up all the same, so one bad client does not lock out its whole office. */
function refuse(seconds: number): HashdialError {
  if (seconds === 0) {
    const why = 'this token does not exist, was deleted, or has expired: use another one'
    return new HashdialError('UNAUTHENTICATED', 'INVALID_CREDENTIALS', why)
  }
  const why = `too many wrong access keys from this address: wait ${seconds} s`
  const error = new HashdialError('RESOURCE_EXHAUSTED', 'RATE_LIMIT_EXCEEDED', why)
  return Object.assign(error, { retrySeconds: seconds })
}
