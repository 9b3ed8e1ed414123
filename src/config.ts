import { limits } from './config-limits.ts'
import { nodes } from './config-nodes.ts'
import { voice } from './config-voice.ts'
import { ariUrls, databaseUrl, domain, httpUrl, listen, networks, oneOf, origins, secretKeys } from './config-values.ts'
import { setting, sha256, text, whole, type Setting } from './config-values.ts'

export type { AriUrl, Listen } from './config-values.ts'

export const settings = {
  baseDomain: setting({
    variable: 'HASHDIAL_BASE_DOMAIN',
    unit: 'domain name',
    default: 'hashdial.test',
    why: 'the end of every address and the realm of every password, so it is fixed once there are extensions',
    parse: domain,
  }),
  databaseUrl: setting({
    variable: 'HASHDIAL_DATABASE_URL',
    unit: 'URL',
    why: 'the database that Kamailio reads too, as mysql://user:password@host:3306/database?ssl-ca=/path/ca.pem (TLS)',
    parse: databaseUrl,
  }),
  databasePool: setting({
    variable: 'HASHDIAL_DATABASE_POOL',
    unit: 'connections',
    default: '10',
    why: 'how many queries run at once; all processes together must stay below max_connections',
    parse: whole(2, 1000),
  }),
  databaseTimeoutMs: setting({
    variable: 'HASHDIAL_DATABASE_TIMEOUT_MS',
    unit: 'milliseconds',
    default: '2000',
    why: 'how long a statement may take; a connection that owes an answer for longer is dead and is replaced',
    parse: whole(250, 60_000),
  }),
  ariUrls: setting({
    variable: 'HASHDIAL_ARI_URLS',
    unit: 'URLs, comma separated',
    why: 'the ARI of each Asterisk, as http://user:password@host:8088; host:port is its name in calls',
    parse: ariUrls,
  }),
  apiListen: setting({
    variable: 'HASHDIAL_API_LISTEN',
    unit: 'address:port',
    default: '127.0.0.1:8080',
    why: 'where the REST API listens; put a TLS proxy in front before anyone else may reach it',
    parse: listen,
  }),
  adminKeySha256: setting({
    variable: 'HASHDIAL_ADMIN_KEY_SHA256',
    unit: '64 hex digits',
    default: '',
    why: 'SHA-256 of the key that makes and deletes customers; empty: nobody can. The key itself is never configured',
    parse: sha256,
  }),
  hashBytes: setting({
    variable: 'HASHDIAL_HASH_BYTES',
    unit: 'bytes',
    default: '6',
    why: 'randomness of a new direct address (2 hex digits a byte); addresses of every length go on working',
    parse: whole(6, 16),
  }),
  ringSeconds: setting({
    variable: 'HASHDIAL_RING_SECONDS',
    unit: 'seconds',
    default: '60',
    why: 'how long a device rings before the caller is told that nobody answers',
    parse: whole(1, 180),
  }),
  callHours: setting({
    variable: 'HASHDIAL_CALL_HOURS',
    unit: 'hours',
    default: '4',
    why: 'how long a call may last, so that a forgotten one does not last for ever',
    parse: whole(1, 240),
  }),
  fetchPrivate: setting({
    variable: 'HASHDIAL_FETCH_PRIVATE',
    unit: 'networks, comma separated',
    default: '',
    why: 'private networks that flows may reach (fetch, play, webhook, SIP), such as 10.1.0.0/16; else the internet only',
    parse: networks,
  }),
  trunkPrivate: setting({
    variable: 'HASHDIAL_TRUNK_PRIVATE',
    unit: 'networks, comma separated',
    default: '',
    why: 'private networks that trunks may be in, beside those of HASHDIAL_FETCH_PRIVATE; else the internet only',
    parse: networks,
  }),
  callRetentionDays: setting({
    variable: 'HASHDIAL_CALL_RETENTION_DAYS',
    unit: 'days',
    default: '30',
    why: 'how long calls that ended are kept',
    parse: whole(1, 3650),
  }),
  recordingRetentionDays: setting({
    variable: 'HASHDIAL_RECORDING_RETENTION_DAYS',
    unit: 'days',
    default: '30',
    why: 'how long recordings with their files, and transcribes with their texts, are kept',
    parse: whole(1, 3650),
  }),
  failureRetentionDays: setting({
    variable: 'HASHDIAL_FAILURE_RETENTION_DAYS',
    unit: 'days',
    default: '7',
    why: 'how long failed registrations and blocked guessers are kept',
    parse: whole(1, 3650),
  }),
  eventRetentionDays: setting({
    variable: 'HASHDIAL_EVENT_RETENTION_DAYS',
    unit: 'days',
    default: '7',
    why: 'how long events are kept, and what became of their delivery to webhooks',
    parse: whole(1, 3650),
  }),
  ...limits,
  ...nodes,
  secretKeys: setting({
    variable: 'HASHDIAL_SECRET_KEYS',
    unit: 'id:key, comma separated',
    default: '',
    why: 'keys of 32 bytes in base64 that encrypt secrets in the database; the first encrypts; empty: no webhooks, and no keys of AIs',
    parse: secretKeys,
  }),
  corsOrigins: setting({
    variable: 'HASHDIAL_CORS_ORIGINS',
    unit: 'origins, comma separated',
    default: '',
    why: 'the web pages that may use the API from a browser, such as https://console.example.com; none: no page may',
    parse: origins,
  }),
  soundsFolder: setting({
    variable: 'HASHDIAL_SOUNDS_FOLDER',
    unit: 'folder',
    default: '/var/tmp/hashdial-sounds',
    why: 'where speech and fetched sounds are kept for Asterisk; processes of one machine may share it',
    parse: text(1024),
  }),
  soundsMegabytes: setting({
    variable: 'HASHDIAL_SOUNDS_MEGABYTES',
    unit: 'megabytes',
    default: '500',
    why: 'how much that folder may hold; what was not played for the longest time goes first',
    parse: whole(10, 1_000_000),
  }),
  soundsUrl: setting({
    variable: 'HASHDIAL_SOUNDS_URL',
    unit: 'URL',
    default: '',
    why: 'where every Asterisk reaches the API of this process, to fetch sounds; empty: http:// and where it listens',
    parse: httpUrl,
  }),
  ...voice,
  drainSeconds: setting({
    variable: 'HASHDIAL_DRAIN_SECONDS',
    unit: 'seconds',
    default: '10',
    why: 'how long SIGTERM waits for requests that are under way; calls live on in Asterisk and are found again',
    parse: whole(0, 3600),
  }),
  sipAddress: setting({
    variable: 'HASHDIAL_SIP_ADDRESS',
    unit: 'address:port',
    default: '127.0.0.1:5060',
    why: 'where devices find Kamailio; only shown',
    parse: text(255),
  }),
  logLevel: setting({
    variable: 'HASHDIAL_LOG_LEVEL',
    unit: 'level',
    default: 'info',
    why: 'fatal, error, warn, info, debug, trace or silent',
    parse: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
  }),
} as const

export type Config = { readonly [Name in keyof typeof settings]: ReturnType<(typeof settings)[Name]['parse']> }

/** Everything that is wrong with the environment, at once: nobody wants to start a program five times to learn five things. */
export class ConfigError extends Error {
  override name = 'ConfigError'

  constructor(readonly problems: readonly { variable: string; problem: string }[]) {
    super(['the configuration is wrong:', ...problems.map((p) => `  ${p.variable} ${p.problem}`)].join('\n'))
  }
}

export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: { variable: string; problem: string }[] = []
  const values: Record<string, unknown> = {}
  for (const [name, { variable, default: standard, why, parse }] of Object.entries<Setting<unknown>>(settings)) {
    // A variable that is set to nothing counts as not set: that is what compose files and CI make of an absent value.
    const given = env[variable]?.trim() || standard
    if (given === undefined) {
      problems.push({ variable, problem: `is missing; set it: ${why}` })
      continue
    }
    try {
      values[name] = parse(given)
    } catch (error) {
      problems.push({ variable, problem: (error as Error).message })
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(values) as Config
}
