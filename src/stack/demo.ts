import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { demoAi, demoSales, demoTeam } from './demo-ai.ts'
import { hostOf } from './ports.ts'
import { rest, type Ask } from './rest.ts'
import { checkout } from './room.ts'
import { StackError } from './shell.ts'
import { writeSecret } from './site.ts'
import type { Stack } from './stack.ts'

interface DemoExtension {
  username: string
  password: string
  domain_name: string
  direct_uri: string
}

interface Dialable {
  id: string
  direct_uri: string
}

/** What a script needs to use the demo; the file is for its owner alone. */
export interface Demo {
  api_url: string
  sip_address: string
  base_domain: string
  access_key: string
  admin_key: string
  customer_id: string
  extensions: DemoExtension[]
  flow: Dialable
  conference: Dialable
  /** The agent takes its callers. */
  queue: Dialable
  /** Somebody who answers at the first extension. */
  agent: Dialable & { username: string; password: string }
  /** They talk by rules, and need no provider. The team switches to another member, and both find a human at the first extension. */
  ai: Dialable
  team: Dialable
  /** Leads to the flow; this machine is the trunk that may call it. */
  number: { id: string; number: string; uri: string }
}

export const demoFile = join(checkout, '.stack', 'demo.json')

/** A customer to try things with, made over the REST API as any client would. One that is still there is kept. */
export async function seedDemo(stack: Stack): Promise<Demo> {
  const known = existsSync(demoFile) ? (JSON.parse(readFileSync(demoFile, 'utf8')) as Demo) : undefined
  const kept = known !== undefined && (await isCurrent(stack, known))
  const demo = { ...(kept ? known : await makeDemo(stack)), ...addresses(stack) }
  writeSecret(demoFile, `${JSON.stringify(demo, null, 2)}\n`)
  return demo
}

const addresses = (stack: Stack) => ({
  api_url: stack.apiUrl,
  sip_address: `${hostOf(stack.site.address)}:${stack.ports.sip}`,
  base_domain: stack.site.baseDomain,
})

/** Is all of it still there, and are the addresses? They may have been regenerated while somebody tried things. */
async function isCurrent(
  stack: Stack,
  demo: Partial<Demo> & Pick<Demo, 'access_key' | 'extensions'>,
): Promise<boolean> {
  const ask = rest(stack.apiUrl, demo.access_key)
  const { status, body } = await ask<{ result: DemoExtension[] }>('GET', '/extensions')
  const { flow, conference, queue, agent, ai, team, number } = demo
  if (status !== 200 || !flow || !conference || !queue || !agent || !ai || !team || !number) return false
  for (const extension of demo.extensions) {
    const now = body.result.find(({ username }) => username === extension.username)
    if (now === undefined) return false
    extension.direct_uri = now.direct_uri
  }
  const dialed = { flows: flow, conferences: conference, queues: queue, agents: agent, ais: ai, teams: team }
  for (const [plural, one] of Object.entries(dialed)) {
    const found = await ask<Dialable>('GET', `/${plural}/${one.id}`)
    if (found.status !== 200) return false
    one.direct_uri = found.body.direct_uri
  }
  return (await ask('GET', `/numbers/${number.id}`)).status === 200
}

async function makeDemo(stack: Stack): Promise<Omit<Demo, keyof ReturnType<typeof addresses>>> {
  const admin = rest(stack.apiUrl, stack.adminKey)
  const customer = await make<{ id: string }>(admin, '/customers', { name: 'Demo' })
  const key = await make<{ token: string }>(admin, '/accesskeys', { customer_id: customer.id, name: 'demo' })
  const ask = rest(stack.apiUrl, key.token)
  const extensions: DemoExtension[] = []
  for (const username of ['1001', '1002']) {
    const password = randomBytes(9).toString('hex')
    const made = await make<DemoExtension>(ask, '/extensions', { name: `Extension ${username}`, username, password })
    extensions.push({ username, password, domain_name: made.domain_name, direct_uri: made.direct_uri })
  }
  const flow = dialable(await make<Dialable>(ask, '/flows', { name: 'Menu', actions: menu() }))
  const conference = dialable(await make<Dialable>(ask, '/conferences', { name: 'Meeting' }))
  const queue = dialable(await make<Dialable>(ask, '/queues', { name: 'Support' }))
  const agent = await makeAgent(ask, extensions[0]!.username)
  const ais = await makeAis(ask, extensions[0]!.username)
  const number = await makeNumber(ask, flow.id, stack.site.baseDomain)
  const keys = { access_key: key.token, admin_key: stack.adminKey, customer_id: customer.id }
  return { ...keys, extensions, flow, conference, queue, agent, ...ais, number }
}

/** An agent has an address from the first regenerate on, and can be reached once it is available. */
async function makeAgent(ask: Ask, extension: string): Promise<Demo['agent']> {
  const login = { username: 'jane', password: randomBytes(9).toString('hex') }
  const addresses = [{ type: 'extension', target_name: extension }]
  const { id } = await make<Dialable>(ask, '/agents', { name: 'Jane', ...login, addresses })
  await done(200, ask, 'PUT', `/agents/${id}/status`, { status: 'available' })
  const { direct_uri } = await done<Dialable>(200, ask, 'POST', `/agents/${id}/direct-hash-regenerate`)
  return { id, direct_uri, ...login }
}

/** As an agent, an AI has an address from the first regenerate on; a team has one at once. */
async function makeAis(ask: Ask, extension: string): Promise<Pick<Demo, 'ai' | 'team'>> {
  const { id } = await make<Dialable>(ask, '/ais', demoAi(extension))
  const sales = await make<Dialable>(ask, '/ais', demoSales(extension))
  const team = await make<Dialable>(ask, '/teams', demoTeam(id, sales.id))
  return {
    ai: dialable(await done<Dialable>(200, ask, 'POST', `/ais/${id}/direct-hash-regenerate`)),
    team: dialable(team),
  }
}

const dialable = ({ id, direct_uri }: Dialable): Dialable => ({ id, direct_uri })

/** A menu with each way of going on: to a phone, to a message, and back. */
function menu(): object[] {
  const [start, phone, hours, again] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
  const say = (text: string) => ({ type: 'talk', option: { text, digits_handle: 'next' } })
  return [
    { id: start, ...say('Welcome to Hashdial. Press one for extension 1001, or two for our opening hours.') },
    { type: 'digits_receive', option: { length: 1, duration: 5_000 } },
    { type: 'branch', option: { target_ids: { 1: phone, 2: hours }, default_target_id: again } },
    { id: phone, type: 'connect', option: { destinations: [{ type: 'extension', target_name: '1001' }] } },
    { type: 'stop' },
    { id: hours, ...say('We are here from nine to five.') },
    { id: again, type: 'goto', option: { target_id: start, loop_count: 3 } },
    say('Goodbye.'),
  ]
}

/** +999 is nobody's country code; random, for a number belongs to one customer of all, also of an earlier demo. */
async function makeNumber(ask: Ask, flowId: string, base: string): Promise<Demo['number']> {
  const number = `+999${randomInt(1e7, 1e8)}`
  const { id } = await make<{ id: string }>(ask, '/numbers', { name: 'Menu', number, call_flow_id: flowId })
  // domain_name: whoever listens there gets the calls to numbers (`connect` to a tel).
  const trunk = { name: 'This machine', domain_name: '127.0.0.1:5080', auth_types: ['ip'], allowed_ips: ['127.0.0.1'] }
  await make(ask, '/trunks', trunk)
  return { id, number, uri: `sip:${number}@sip.${base}` }
}

const make = <Body>(ask: Ask, path: string, values: object) => done<Body>(201, ask, 'POST', path, values)

async function done<Body>(expected: number, ask: Ask, method: string, path: string, values?: object): Promise<Body> {
  const { status, body } = await ask<Body>(method, path, values)
  if (status === expected) return body
  throw new StackError(`the demo cannot be made: ${method} ${path} answers ${status} ${JSON.stringify(body)}`)
}
