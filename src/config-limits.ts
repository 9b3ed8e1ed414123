import { setting, whole } from './config-values.ts'

/** What one customer, or one stranger, may take of what all share. */
export const limits = {
  authFailures: setting({
    variable: 'HASHDIAL_AUTH_FAILURES',
    unit: 'failures a minute',
    default: '20',
    why: 'how many wrong tokens, and wrong passwords of agents, one address may try; good tokens from there go on working',
    parse: whole(1, 100_000),
  }),
  bodyBytes: setting({
    variable: 'HASHDIAL_BODY_BYTES',
    unit: 'bytes',
    default: '262144',
    why: 'the largest request body that the API reads',
    parse: whole(1024, 16_777_216),
  }),
  apiRequests: setting({
    variable: 'HASHDIAL_API_REQUESTS',
    unit: 'requests a second',
    default: '100',
    why: 'how many requests a customer may send to the API (8 kB of body or 32 of answer count as one more); beyond it 429',
    parse: whole(1, 1_000_000),
  }),
  apiAtOnce: setting({
    variable: 'HASHDIAL_API_AT_ONCE',
    unit: 'requests',
    default: '50',
    why: 'how many requests of one customer the API may have under way; beyond it 429',
    parse: whole(1, 100_000),
  }),
  customerActions: setting({
    variable: 'HASHDIAL_CUSTOMER_ACTIONS',
    unit: 'actions a second',
    default: '2000',
    why: "how many actions a customer's flows may begin (4 kB that they store count as one more); beyond it they wait",
    parse: whole(10, 10_000_000),
  }),
  customerStreams: setting({
    variable: 'HASHDIAL_CUSTOMER_STREAMS',
    unit: 'connections',
    default: '50',
    why: 'how many WebSockets (`/v1.0/ws`) a customer may have to one process; beyond it 429',
    parse: whole(1, 100_000),
  }),
  customerRequests: setting({
    variable: 'HASHDIAL_CUSTOMER_REQUESTS',
    unit: 'requests',
    default: '64',
    why: 'how many fetch and webhook_send of a customer may wait for servers; one more is given up after 3 s',
    parse: whole(1, 100_000),
  }),
} as const
