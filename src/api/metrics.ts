import type { Request, ServerRoute } from '@hapi/hapi'
import { databaseState, type DataSource } from '../database.ts'
import { HashdialError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { readEdges } from '../registrar/edge.ts'
import { principalOf } from './auth.ts'

/** For the operator, and for a Prometheus on this machine. */
export function metricsRoute(database: DataSource, metrics: Metrics): ServerRoute {
  return {
    ...{ method: 'GET', path: '/metrics' },
    options: { auth: { mode: 'try', strategy: 'token' } },
    async handler(request, h) {
      const operator = request.auth.isAuthenticated && principalOf(request).operator
      if (!operator && !isLocal(request)) {
        const how = 'the metrics are for this machine and for the admin key'
        throw new HashdialError('PERMISSION_DENIED', 'PERMISSION_DENIED', how)
      }
      await readEdgeMetrics(database, metrics)
      return h.response(await metrics.registry.metrics()).type(metrics.registry.contentType)
    },
  }
}

/** What a proxy on this machine passes on is not of this machine. */
function isLocal({ info, headers }: Request): boolean {
  const forwarded = headers['x-forwarded-for'] ?? headers.forwarded ?? headers['x-real-ip']
  return forwarded === undefined && /^(127\.|::1$|::ffff:127\.)/.test(info.remoteAddress)
}

async function readEdgeMetrics(database: DataSource, { edges }: Metrics): Promise<void> {
  for (const gauge of Object.values(edges)) gauge.reset()
  if (databaseState(database) === 'away') return
  for (const { name: edge, alive, misses, auth_failures, blocks } of await readEdges(database)) {
    edges.up.set({ edge }, alive ? 1 : 0)
    edges.misses.set({ edge }, misses)
    edges.authFailures.set({ edge }, auth_failures)
    edges.blocks.set({ edge }, blocks)
  }
}
