import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { ariUrl } from './asterisk.ts'
import { modelsFolder } from './models.ts'
import { databaseUrl } from './mysql.ts'
import type { Plan } from './part.ts'
import { hostOf } from './ports.ts'
import { checkout } from './room.ts'
import type { Site } from './site.ts'

export function apiUrl({ ports }: Site): string {
  return `http://127.0.0.1:${ports.api}`
}

/** Hashdial itself, run by this machine’s Node from the checkout. */
export function hashdialPlan(site: Site): Plan {
  const env = { PATH: process.env.PATH, ...hashdialEnv(site) }
  return {
    name: 'hashdial',
    seconds: 30,
    listens: [{ transport: 'tcp', address: '127.0.0.1', port: site.ports.api }],
    prepare: () => undefined,
    spawn: (options) =>
      spawn(process.execPath, ['--max-semi-space-size=32', '--import', 'tsx', 'src/main.ts'], {
        ...options,
        cwd: checkout,
        env,
      }),
    answers: () => answersCalls(site),
  }
}

export function hashdialEnv(site: Site): Record<string, string> {
  const { ports, secrets } = site
  return {
    HASHDIAL_BASE_DOMAIN: site.baseDomain,
    HASHDIAL_DATABASE_URL: databaseUrl(site),
    HASHDIAL_ARI_URLS: ariUrl(site),
    HASHDIAL_API_LISTEN: `127.0.0.1:${ports.api}`,
    HASHDIAL_ADMIN_KEY_SHA256: createHash('sha256').update(secrets.adminKey).digest('hex'),
    HASHDIAL_SECRET_KEYS: secrets.secretKey,
    HASHDIAL_SIP_ADDRESS: `${hostOf(site.address)}:${ports.sip}`,
    HASHDIAL_SOUNDS_FOLDER: join(site.room.folder, 'sounds'),
    HASHDIAL_MODELS_FOLDER: modelsFolder(),
    // The carriers of the demo and of the tests are on this machine.
    HASHDIAL_TRUNK_PRIVATE: '127.0.0.0/8',
    ...site.env,
  }
}

/** It listens, and is connected to Asterisk: a call that came before would be told 503. */
function answersCalls(site: Site): Promise<boolean> {
  return health(site).then(
    ({ ari }) => ari === 'ok',
    () => false,
  )
}

/** What /health says: `status`, and each neighbour by name. */
export async function health(site: Site): Promise<Record<string, string>> {
  const response = await fetch(`${apiUrl(site)}/health`, { signal: AbortSignal.timeout(5000) })
  return (await response.json()) as Record<string, string>
}
