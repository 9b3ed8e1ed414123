import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { apiUrl, hashdialPlan } from '../../src/stack/hashdial.ts'
import { Part } from '../../src/stack/part.ts'
import { rest, type Ask } from '../../src/stack/rest.ts'
import type { Stack } from '../../src/stack/stack.ts'
import type { Setup } from './setup.ts'

/** A second Hashdial beside that of the stack: with the same database, and the same Asterisks. */
export interface Second {
  readonly part: Part
  /** The customer's API, by this process. */
  readonly api: Ask
  readonly url: string
}

/** Not started yet. It ends with the test. */
export function secondHashdial(t: ExecutionContext, stack: Stack, { accessKey }: Setup, port: number): Second {
  const site = { ...stack.site, ports: { ...stack.site.ports, api: port } }
  const folder = join(stack.folder, 'second')
  mkdirSync(folder, { recursive: true })
  const part = new Part(folder, hashdialPlan(site))
  t.teardown(() => part.stop())
  return { part, api: rest(apiUrl(site), accessKey), url: apiUrl(site) }
}
