import type { Request, ServerRoute } from '@hapi/hapi'
import Joi from 'joi'
import { HashdialError } from '../errors.ts'
import { isPassword } from '../passwords.ts'
import { issueToken } from '../resources/agent-token.ts'
import { Agent, agents, password, username } from '../resources/agent.ts'
import { id, time } from '../resources/fields.ts'
import { present } from '../resources/present.ts'
import type { Body, Site } from '../resources/resource.ts'
import { principalOf } from './auth.ts'
import { readBody } from './body.ts'
import { idOf, oneRow, scopeOf } from './crud.ts'
import { FailureLimit } from './limit.ts'
import { bodyPayload, described } from './route.ts'
import * as store from './store.ts'

/** Attempts a minute at one agent, good ones too: more are not looked at. */
const attemptsMax = 10
const payload = { ...bodyPayload, maxBytes: 4_096 }

/** How often a password may be tried: at one agent, and from one source, where only those that are wrong count. */
interface LoginLimits {
  readonly agents: FailureLimit
  readonly sources: FailureLimit
}

/** What an agent does with its password. `failures`: those that a source address may have in a minute. */
export function loginRoutes(site: Site, failures: number): ServerRoute[] {
  const limits = { agents: new FailureLimit(attemptsMax), sources: new FailureLimit(failures) }
  return [loginRoute(site, limits), passwordRoute(site, limits)]
}

// What no password can be is wrong, and not refused for its form.
const tried = Joi.string().allow('').max(128)

interface Credentials {
  customer_id: string
  username: string
  password: string
}

function loginRoute(site: Site, limits: LoginLimits): ServerRoute {
  const body = Joi.object({
    customer_id: id().required().description('The customer whose agent it is.'),
    username: username.required(),
    password: tried.required(),
  })
  const answer = Joi.object({
    token: Joi.string().required().description('What the agent asks with: only this answer has it.'),
    tm_expire: time().required().description('When it stops working.'),
    agent: agents.schema.read.required(),
  })
  return described({
    ...{ method: 'POST', path: '/v1.0/auth/login', tag: agents.plural, open: true, body, payload, answer },
    summary: 'Log an agent in: the token reads the agent, and changes its status and its password',
    handler: async (request) => login(request, (await readBody(request, body)) as unknown as Credentials, site, limits),
  })
}

/** Who is wrong learns nothing of what there is: the answer, and how long it takes, are always the same. */
async function login(request: Request, given: Credentials, site: Site, limits: LoginLimits): Promise<Body> {
  const { customer_id, username } = given
  const { manager } = site.database
  const agent = await manager.findOneBy(Agent, { customer_id, username })
  const isRight = await attempt(request, given, agent?.password_hash, limits)
  const issued = agent && isRight ? await issueToken(site.database, agent) : undefined
  if (!agent || !issued)
    throw new HashdialError('UNAUTHENTICATED', 'LOGIN_FAILED', 'no agent has this customer_id, username and password')
  return { ...issued, agent: present(agents, await store.read(manager, agents, { customer_id }, agent.id), site) }
}

/** Is it the password? Throws where too many were tried. */
async function attempt(
  { info: { remoteAddress } }: Request,
  { customer_id, username, password }: Credentials,
  hash: string | undefined,
  { agents, sources }: LoginLimits,
): Promise<boolean> {
  // Counted before, for many may come at once.
  const seconds = Math.max(agents.fail(`${customer_id}/${username}`), sources.fail(remoteAddress))
  if (seconds > 0) {
    const why = `too many passwords were tried: wait ${seconds} s`
    const error = new HashdialError('RESOURCE_EXHAUSTED', 'RATE_LIMIT_EXCEEDED', why)
    throw Object.assign(error, { retrySeconds: seconds })
  }
  const isRight = await isPassword(password, hash)
  if (isRight) sources.forgive(remoteAddress)
  return isRight
}

function passwordRoute(site: Site, limits: LoginLimits): ServerRoute {
  const body = Joi.object({
    password: password.required(),
    current_password: tried.description('The one before. An agent that asks itself has to give it.'),
  })
  return described({
    ...{ ...oneRow(agents, 'PUT', '/password'), body, payload, forAgents: true },
    summary: 'Give it another password; all of its logins end',
    async handler(request) {
      const scope = scopeOf(agents, request)
      const { password, current_password } = (await readBody(request, body)) as Record<string, string>
      const known = await knownHash(request, current_password, site, limits)
      const changes = (row: object, changed: Body): Body => {
        if (known !== undefined && (row as Agent).password_hash !== known) throw wrongPassword()
        return changed
      }
      const what = { scope, id: idOf(request), body: { password } }
      return present(agents, await store.update(site, agents, what, { changes }), site)
    },
  })
}

/** The hash of the password that was given as the one that it has; undefined: none was, and none has to be. */
async function knownHash(
  request: Request,
  given: string | undefined,
  { database: { manager } }: Site,
  limits: LoginLimits,
): Promise<string | undefined> {
  const principal = principalOf(request)
  const isItself = !principal.operator && principal.agent_id !== undefined
  if (given === undefined && !isItself) return undefined
  const row = (await store.read(manager, agents, scopeOf(agents, request), idOf(request))) as Agent
  const isRight = await attempt(request, { ...row, password: given ?? '' }, row.password_hash, limits)
  if (!isRight) throw wrongPassword()
  return row.password_hash
}

function wrongPassword(): HashdialError {
  const problem = 'this is not the password that the agent has'
  const details = [{ field: 'current_password', problem }]
  return new HashdialError('INVALID_ARGUMENT', 'INVALID_ARGUMENT', `current_password: ${problem}`, details)
}
