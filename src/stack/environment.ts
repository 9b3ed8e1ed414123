import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { networks, oneOf, whole } from '../config-values.ts'
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
  const hashdial = Object.values(settings).map(({ variable, parse }) => [variable, parse] as const)
  const known = new Map<string, Parse>([...hashdial, ...kamailioTunables()])
  const found: Record<string, string> = {}
  for (const [name, value = ''] of Object.entries(env).sort()) {
    if (!name.startsWith('HASHDIAL_') || stackOwn.has(name) || value.trim() === '') continue
    if (own.has(name)) tell(`${name} is ignored: npm start sets it itself, so that its parts find each other`)
    else if (known.has(name)) found[name] = checked(name, value.trim(), known.get(name)!)
    else tell(`${name} is ignored: it is no setting of Hashdial`)
  }
  return found
}

type Parse = (text: string) => unknown

function checked(name: string, value: string, parse: Parse): string {
  try {
    parse(value)
    return value
  } catch (error) {
    throw new StackError(`${name} ${(error as Error).message}`)
  }
}

/**
 * `#!trydefenv NAME` and `#!trydefenvs NAME` of our own edge. The first are numbers: of anything else Kamailio says no more
 * than where in a file its parser has given up.
 */
function kamailioTunables(): [string, Parse][] {
  const text = readFileSync(join(checkout, 'kamailio/kamailio.cfg'), 'utf8')
  return [...text.matchAll(/^#!trydefenvs? (HASHDIAL_\w+)/gm)].map(([, name]) => [name!, special[name!] ?? number])
}

const number = whole(0, 999_999_999)
const special: Record<string, Parse> = {
  HASHDIAL_CHALLENGE: oneOf(['407', '401']),
  HASHDIAL_PATH_PROXIES: networks,
  HASHDIAL_TRUNK_PRIVATE: networks,
  HASHDIAL_CHILDREN: whole(1, 1000),
  HASHDIAL_SHM_MB: whole(32, 1_000_000),
  HASHDIAL_KAMAILIO_DEBUG: oneOf(['-4', '-3', '-2', '-1', '0', '1', '2', '3', '4']),
}
