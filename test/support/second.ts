import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { ariUrl, asteriskPlan } from '../../src/stack/asterisk.ts'
import { apiUrl, hashdialPlan } from '../../src/stack/hashdial.ts'
import { Part } from '../../src/stack/part.ts'
import { rest, type Ask } from '../../src/stack/rest.ts'
import { Room } from '../../src/stack/room.ts'
import type { Ports } from '../../src/stack/site.ts'
import { openStack, type Stack } from '../../src/stack/stack.ts'
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
  const part = new Part(folderOf(stack, 'second'), hashdialPlan(site))
  t.teardown(() => part.stop())
  return { part, api: rest(apiUrl(site), accessKey), url: apiUrl(site) }
}

/** A second Asterisk beside that of the stack, which is not started yet; whoever makes it has to stop it. */
function secondAsterisk(stack: Stack, ports: Ports): { part: Part; ariUrl: string } {
  const room = new Room(stack.rootfs, folderOf(stack, 'second-asterisk'))
  room.furnish()
  // Its Kamailio is the stack's.
  const site = { ...stack.site, room, ports: { ...ports, sip: stack.ports.sip } }
  return { part: new Part(room.folder, asteriskPlan(site)), ariUrl: ariUrl(site) }
}

/** A stack with a second Asterisk beside it, both started; whoever makes it has to stop both. */
export async function twoAsterisks(name: string, ports: Ports, otherPorts: Ports) {
  const alone = await openStack({ name, ports })
  const other = secondAsterisk(alone, otherPorts)
  const env = { HASHDIAL_ARI_URLS: [alone.ariUrl, other.ariUrl].join() }
  const stack = await openStack({ name, ports, env, moreAsterisks: [otherPorts.asteriskSip] })
  await other.part.start()
  await stack.start({ fresh: true })
  return { stack, other }
}

function folderOf(stack: Stack, name: string): string {
  const folder = join(stack.folder, name)
  mkdirSync(folder, { recursive: true })
  return folder
}
