import type { ServerRoute } from '@hapi/hapi'
import Joi from 'joi'
import { databaseState, type DataSource } from '../database.ts'
import type { NodeState } from '../nodes/lease.ts'
import { readEdges } from '../registrar/edge.ts'
import { described } from './route.ts'

export type PartHealth = 'ok' | 'degraded' | 'down'

/** How long an edge that has died is spoken of, in seconds: one that was renamed or taken away is forgotten then. */
const forgottenSeconds = 3_600

interface Health {
  ari: () => PartHealth
  nodes?: () => Record<NodeState, number>
}

const count = Joi.number().integer().min(0).required()

/** The truth about the parts: 200 while calls can be made, 503 when a part that each call needs is not there. */
export function healthRoute(database: DataSource, { ari, nodes }: Health): ServerRoute {
  return described({
    ...{
      method: 'GET',
      path: '/health',
      tag: 'operation',
      open: true,
      summary: 'Are the database, Kamailio and Asterisk there?',
    },
    answer: Joi.object({
      status: Joi.valid('ok', 'degraded').required(),
      mysql: Joi.valid('ok', 'read-only', 'down')
        .required()
        .description('read-only: running calls go on and the API reads, new calls and writes get 503.'),
      kamailio: Joi.valid('ok', 'degraded', 'down', 'unknown')
        .required()
        .description(
          'Each Kamailio, by its heartbeat in the database. unknown: the database takes none at the moment.',
        ),
      ari: Joi.valid('ok', 'degraded', 'down').required().description('degraded: some Asterisk is away.'),
      nodes: Joi.object({ connected: count, held: count, waiting: count })
        .required()
        .description(
          'How many Asterisks this process carries (connected; held: it does not reach them, or hears no events), and how ' +
            'many another process does.',
        ),
    }),
    async handler(_request, h) {
      const state = databaseState(database)
      const edges = state === 'ok' ? await edgeHealth(database) : 'unknown'
      const parts = { mysql: state === 'away' ? 'down' : state, kamailio: edges, ari: ari() }
      const counts = nodes?.() ?? { connected: 0, held: 0, waiting: 0 }
      const ok = Object.values(parts).every((part) => part === 'ok')
      const usable = state === 'ok' && edges !== 'unknown' && edges !== 'down' && parts.ari !== 'down'
      return h.response({ status: ok ? 'ok' : 'degraded', ...parts, nodes: counts }).code(usable ? 200 : 503)
    },
  })
}

/** Asked through the pool, which may hang for a moment before that is noticed. */
async function edgeHealth(database: DataSource): Promise<PartHealth | 'unknown'> {
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, 1000, undefined).unref())
  const edges = await Promise.race([readEdges(database).catch(() => undefined), late])
  if (!edges) return 'unknown'
  if (!edges.some(({ alive }) => alive)) return 'down'
  return edges.every(({ alive, silent_seconds }) => alive || silent_seconds > forgottenSeconds) ? 'ok' : 'degraded'
}
