import { randomBytes } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { rest, type Ask } from '../../src/stack/rest.ts'
import { openStack, type Stack, type StackOptions } from '../../src/stack/stack.ts'
import { Pbx, type Carrier } from './pbx.ts'
import { freePort } from './ports.ts'
import { SipClient } from './sip.ts'
import { Sipp, type SippOptions } from './sipp.ts'
import { Softphone, type PhoneOptions } from './softphone.ts'

export interface Extension {
  id: string
  username: string
  password: string
  domain_name: string
  direct_hash: string
  direct_uri: string
}

export interface Setup {
  stack: Stack
  customer: { id: string }
  accessKey: string
  /** Asks the API as the customer. */
  api: Ask
  /** Asks the API as the operator. */
  admin: Ask
  /** Makes an extension; it has a password and a direct address. */
  extension(values?: { username?: string; password?: string }): Promise<Extension>
  /** A softphone that is registered as this extension. */
  phone(extension: Extension, options?: PhoneOptions): Promise<Softphone>
  /** A softphone that nobody knows: it can only call. */
  stranger(options?: PhoneOptions): Promise<Softphone>
  /** Another Asterisk that is registered as this extension. */
  pbx(extension: Extension): Promise<Pbx>
  /** Another Asterisk that has a trunk. */
  carrier(carrier: Carrier): Promise<Pbx>
  /** A bare SIP client towards Kamailio. */
  sip(address?: string): Promise<SipClient>
  sipp(options: SippOptions): Promise<Sipp>
  /** A SIPp (`uas`, `uas-reject`, …) that is registered as this extension. */
  device(extension: Extension, options: SippOptions): Promise<Sipp>
  /** Kamailio, as `ip:port`. */
  edge: string
}

/** The stack that test/run.ts has brought up. */
export async function sharedStack(): Promise<Stack> {
  const shared = process.env.HASHDIAL_TEST_STACK
  if (shared === undefined) throw new Error('run this by `npm test -- <file>`: it needs the stack that npm test starts')
  return openStack(JSON.parse(shared) as StackOptions)
}

/**
 * All that a test needs: a customer of its own on the shared stack (or on `stack`) and makers of what it talks to.
 * Everything is gone when the test ends, however it ends.
 */
export async function setUp(t: ExecutionContext, stack?: Stack): Promise<Setup> {
  const on = stack ?? (await sharedStack())
  const admin = rest(on.apiUrl, on.adminKey)
  const customer = await made<{ id: string }>(admin, '/customers', { name: `test: ${t.title}`.slice(0, 100) })
  // Teardowns run from the last to the first: phones go before the customer whose extensions they are.
  t.teardown(() => admin('DELETE', `/customers/${customer.id}`))
  const key = await made<{ token: string }>(admin, '/accesskeys', { customer_id: customer.id, name: 'test' })
  const api = rest(on.apiUrl, key.token)

  const phone = async (options: PhoneOptions) => {
    const softphone = await Softphone.start(on, options)
    t.teardown(() => softphone.stop())
    return softphone
  }
  const sipp = async (options: SippOptions) => {
    const run = await Sipp.start(on, options)
    t.teardown(() => run.stop())
    return run
  }
  return {
    ...{ stack: on, customer, accessKey: key.token, api, admin, edge: `127.0.0.1:${on.ports.sip}` },
    async extension({
      username = `u${randomBytes(4).toString('hex')}`,
      password = randomBytes(9).toString('hex'),
    } = {}) {
      const extension = await made<Omit<Extension, 'password'>>(api, '/extensions', { username, password })
      return { ...extension, password }
    },
    async phone(extension, options = {}) {
      const { username, password, domain_name: domain } = extension
      const softphone = await phone({ ...options, account: { username, password, domain } })
      await softphone.registered()
      return softphone
    },
    stranger: (options = {}) => phone(options),
    async pbx({ username, password, domain_name: domain }) {
      const pbx = await Pbx.start(on, { username, password, domain })
      t.teardown(() => pbx.stop())
      return pbx
    },
    async carrier(carrier) {
      const pbx = await Pbx.carrier(on, carrier)
      t.teardown(() => pbx.stop())
      return pbx
    },
    async sip(address) {
      const client = await SipClient.open(on.ports.sip, address)
      t.teardown(() => client.close())
      return client
    },
    sipp,
    async device(extension, options) {
      const port = await freePort()
      await register(on, extension, port)
      return sipp({ ...options, port })
    },
  }
}

/** SIPp does one scenario at a time: its registration is made for it, from the port that it will have. */
async function register(stack: Stack, extension: Extension, port: number): Promise<void> {
  const client = await SipClient.open(stack.ports.sip, '127.0.0.1', port)
  const { username, domain_name: domain } = extension
  const aor = `<sip:${username}@${domain}>`
  const contact = `<sip:${username}@127.0.0.1:${port}>;expires=3600`
  const request = { uri: `sip:${domain}`, from: aor, to: aor, contact }
  const { start } = await client.authenticated('REGISTER', request, extension)
  client.close()
  if (!start.includes(' 200 ')) throw new Error(`${username} is not registered: ${start}`)
}

async function made<Body>(ask: Ask, path: string, values: object): Promise<Body> {
  const { status, body } = await ask<Body>('POST', path, values)
  if (status !== 201) throw new Error(`POST ${path} answers ${status}: ${JSON.stringify(body)}`)
  return body
}
