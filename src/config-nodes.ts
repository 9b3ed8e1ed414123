import { httpUrl, secret, setting, whole } from './config-values.ts'

/** Several processes that share their Asterisks. */
export const nodes = {
  peerUrl: setting({
    variable: 'HASHDIAL_PEER_URL',
    unit: 'URL',
    default: '',
    why: 'where the other processes reach the API of this one, to pass requests on; empty: http:// and where it listens',
    parse: httpUrl,
  }),
  clusterSecret: setting({
    variable: 'HASHDIAL_CLUSTER_SECRET',
    unit: '16 characters or more',
    default: '',
    why: 'what processes know each other by, the same for all; empty: it is made from HASHDIAL_SECRET_KEYS',
    parse: secret(16),
  }),
  lostMinutes: setting({
    variable: 'HASHDIAL_LOST_MINUTES',
    unit: 'minutes',
    default: '10',
    why: 'how long an Asterisk may be away, or in no configuration, until its calls are recorded as ended',
    parse: whole(1, 10_000),
  }),
} as const
