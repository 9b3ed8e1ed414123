import { writeFileSync } from 'node:fs'
import { writeAsteriskSite } from './asterisk.ts'
import { seedDemo } from './demo.ts'
import { hashdialEnv } from './hashdial.ts'
import { kamailioArguments, kamailioEnv, writeKamailioFiles } from './kamailio.ts'
import { migrateStack, writeMysqlFiles } from './mysql.ts'
import { Room } from './room.ts'
import { loadSecrets, writeSecret, type Site } from './site.ts'
import { portsByName, Stack } from './stack.ts'
import { ownAddress, whatToTry } from './tell.ts'

/** The steps of `docker compose up` (docker-compose.yml runs them in this order); `/stack` is a volume of all services. */
const site: Site = {
  name: 'main',
  room: new Room('/', '/stack'),
  ports: portsByName.main!,
  secrets: loadSecrets('/stack'),
  address: ownAddress(),
  baseDomain: 'hashdial.test',
  env: {},
}

process.umask(0o022) // what the services read, as users of their own

const steps: Record<string, () => Promise<void> | void> = {
  prepare() {
    writeMysqlFiles(site)
    writeAsteriskSite(site, 'asterisk/site')
    writeKamailioFiles(site)
    writeSecret('/stack/kamailio.env', environment(kamailioEnv(site)))
    writeSecret('/stack/hashdial.env', environment(hashdialEnv(site)))
    writeFileSync('/stack/kamailio/arguments', kamailioArguments(site).join(' '))
  },
  migrate: () => migrateStack(site),
  async demo() {
    console.log(whatToTry(await seedDemo(new Stack(site, true)), Math.round(process.uptime()), 'docker compose down'))
  },
}

/** For `set -a; . file` of a shell. */
function environment(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join('')
}

await steps[process.argv[2] ?? '']?.()
