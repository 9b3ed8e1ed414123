import type { ServerRoute } from '@hapi/hapi'
import Joi from 'joi'
import { isDatabaseUp, type DataSource } from '../database.ts'
import { readEdges } from '../registrar/edge.ts'
import { described } from './route.ts'

export type PartHealth = 'ok' | 'degraded' | 'down'

const part = () => Joi.valid('ok', 'degraded', 'down').required()

/** The truth about the parts: 200 while calls can be made, 503 when a part that each call needs is down. */
export function healthRoute(database: DataSource, ari: () => PartHealth): ServerRoute {
  return described({
    ...{
      method: 'GET',
      path: '/health',
      tag: 'operation',
      open: true,
      summary: 'Are MySQL, Kamailio and Asterisk there?',
    },
    answer: Joi.object({
      status: Joi.valid('ok', 'degraded').required(),
      mysql: part(),
      kamailio: part().description('Its heartbeat of the last 5 seconds, seen in the database.'),
      ari: part().description('degraded: some Asterisk is away.'),
    }),
    async handler(_request, h) {
      const parts = { mysql: await mysqlHealth(database), kamailio: await kamailioHealth(database), ari: ari() }
      const states = Object.values(parts)
      const status = states.every((state) => state === 'ok') ? 'ok' : 'degraded'
      return h.response({ status, ...parts }).code(states.includes('down') ? 503 : 200)
    },
  })
}

async function mysqlHealth(database: DataSource): Promise<PartHealth> {
  return (await isDatabaseUp(database)) ? 'ok' : 'down'
}

/** Nobody can tell while the database is away, and without it Kamailio has nothing to route with. */
async function kamailioHealth(database: DataSource): Promise<PartHealth> {
  const late = new Promise<[]>((resolve) => setTimeout(resolve, 1000, []).unref())
  const edges = await Promise.race([readEdges(database).catch(() => []), late])
  return edges.some(({ alive }) => alive) ? 'ok' : 'down'
}
