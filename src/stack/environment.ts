import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { settings } from '../config.ts'
import { checkout } from './room.ts'
import { StackError } from './shell.ts'

/** What the stack sets itself, because its parts have to agree on it. */
const ownHashdial = ['BASE_DOMAIN', 'DATABASE_URL', 'ARI_URLS', 'API_LISTEN', 'ADMIN_KEY_SHA256', 'SIP_ADDRESS']
const ownKamailio = ['BASE', 'DB', 'EDGE', 'DISPATCHER_LIST', 'TRUNK_SOCKET', 'PORT']
const own = new Set(
  [...ownHashdial, 'SOUNDS_FOLDER', 'MODELS_FOLDER', ...ownKamailio].map((name) => `HASHDIAL_${name}`),
)

/** Read by the stack itself. */
const stackOwn = new Set(['HASHDIAL_ADDRESS', 'HASHDIAL_DEBIAN_MIRROR'])

/**
 * The tunables of Hashdial and of Kamailio that are set in the environment of `npm start` are the stack's too. Whatever
 * else begins with HASHDIAL_ is named to `tell`: somebody has set it and means something by it.
 */
export function tunables(env: NodeJS.ProcessEnv, tell: (line: string) => void): Record<string, string> {
  const known = new Map(Object.values(settings).map((setting) => [setting.variable, setting.parse]))
  const kamailio = kamailioTunables()
  const found: Record<string, string> = {}
  for (const [name, value = ''] of Object.entries(env).sort()) {
    if (!name.startsWith('HASHDIAL_') || stackOwn.has(name) || value.trim() === '') continue
    if (own.has(name)) tell(`${name} is ignored: npm start sets it itself, so that its parts find each other`)
    else if (known.has(name) || kamailio.has(name)) found[name] = checked(name, value.trim(), known.get(name))
    else tell(`${name} is ignored: it is no setting of Hashdial`)
  }
  return found
}

function checked(name: string, value: string, parse: ((text: string) => unknown) | undefined): string {
  try {
    parse?.(value)
    return value
  } catch (error) {
    throw new StackError(`${name} ${(error as Error).message}`)
  }
}

/** `#!trydefenv NAME` and `#!trydefenvs NAME` of our own edge. */
function kamailioTunables(): Set<string> {
  const text = readFileSync(join(checkout, 'kamailio/kamailio.cfg'), 'utf8')
  return new Set([...text.matchAll(/^#!trydefenvs? (HASHDIAL_\w+)/gm)].map(([, name]) => name!))
}
