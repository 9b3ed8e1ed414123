import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

/** What the process counts, for Prometheus. Each process has one; main hands it to those who count. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const edge = { labelNames: ['edge'] as const, registers }
  return {
    registry,
    requests: new Counter({
      name: 'hashdial_api_requests_total',
      help: 'Requests that the API has answered',
      labelNames: ['method', 'route', 'status'] as const,
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'hashdial_api_request_seconds',
      help: 'How long the API took to answer',
      labelNames: ['method', 'route'] as const,
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    repairs: new Counter({
      name: 'hashdial_repairs_total',
      help: 'What was found that should not have been there, and removed or mended',
      labelNames: ['job'] as const,
      registers,
    }),
    edges: {
      up: new Gauge({ name: 'hashdial_edge_up', help: 'Is this Kamailio alive? 1: yes', ...edge }),
      misses: new Gauge({ name: 'hashdial_edge_misses', help: 'Direct addresses dialled that do not exist', ...edge }),
      authFailures: new Gauge({ name: 'hashdial_edge_auth_failures', help: 'Wrong credentials of devices', ...edge }),
      blocks: new Gauge({ name: 'hashdial_edge_blocks', help: 'Sources that are blocked for guessing', ...edge }),
    },
  }
}
