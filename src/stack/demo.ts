import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
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

/** What a script needs to use the demo; the file is for its owner alone. */
export interface Demo {
  api_url: string
  sip_address: string
  base_domain: string
  access_key: string
  admin_key: string
  customer_id: string
  extensions: DemoExtension[]
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
  sip_address: `${stack.site.address}:${stack.ports.sip}`,
  base_domain: stack.site.baseDomain,
})

/** Is the customer still there, and are the addresses? They may have been regenerated while somebody tried things. */
async function isCurrent(stack: Stack, demo: Demo): Promise<boolean> {
  const ask = rest(stack.apiUrl, demo.access_key)
  const { status, body } = await ask<{ result: DemoExtension[] }>('GET', '/extensions')
  if (status !== 200) return false
  for (const extension of demo.extensions) {
    const now = body.result.find(({ username }) => username === extension.username)
    if (now === undefined) return false
    extension.direct_uri = now.direct_uri
  }
  return true
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
  return { access_key: key.token, admin_key: stack.adminKey, customer_id: customer.id, extensions }
}

async function make<Body>(ask: Ask, path: string, values: object): Promise<Body> {
  const { status, body } = await ask<Body>('POST', path, values)
  if (status === 201) return body
  throw new StackError(`the demo cannot be made: POST ${path} answers ${status} ${JSON.stringify(body)}`)
}
