import test from 'ava'
import { match, type FreeAgent, type Waiting } from '../../src/acd/matcher.ts'
import { estimatedWait } from '../../src/acd/estimate.ts'

/** Erlang A, exact: how many wait, how many give up, and how long all wait on the average. */
function erlangA({ arrivals, service, patience, agents }: Load) {
  const p = [1]
  for (let k = 1; k < 2_000; k++)
    p.push((p[k - 1]! * arrivals) / (Math.min(k, agents) * service + Math.max(0, k - agents) * patience))
  const sum = p.reduce((a, b) => a + b)
  const waiting = p.reduce((total, each, k) => total + Math.max(0, k - agents) * each, 0) / sum
  return {
    waits: p.slice(agents).reduce((a, b) => a + b) / sum,
    abandons: (patience * waiting) / arrivals,
    wait: waiting / arrivals,
  }
}

/** Rates a second. */
interface Load {
  arrivals: number
  service: number
  patience: number
  agents: number
}

/** The same numbers in each run (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

interface Event {
  at: number
  run: () => void
}

/** The matcher on a clock of its own: callers come, are matched, served, or give up, all at random. */
function simulate({ arrivals, service, patience, agents }: Load, callers: number) {
  const random = randomOf(7)
  const exponential = (rate: number) => (-Math.log(1 - random()) / rate) * 1_000
  const events: Event[] = []
  const later = (at: number, run: () => void) => {
    let [low, high] = [0, events.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (events[middle]!.at > at) low = middle + 1
      else high = middle
    }
    events.splice(low, 0, { at, run })
  }
  const counts = { came: 0, waited: 0, abandoned: 0, wait: 0 }
  let waiting: Waiting[] = []
  let free: FreeAgent[] = Array.from({ length: agents }, (_, index) => agent(String(index), 0))
  const rules = { method: 'longest_idle', skills: [], steps: [], lastAgent: null, random } as const
  const serve = (now: number) => {
    for (let found; (found = match(waiting, free, rules, now));) {
      const {
        caller,
        agents: [chosen],
      } = found
      waiting = waiting.filter((one) => one !== caller)
      free = free.filter((one) => one !== chosen)
      counts.wait += now - caller.entered
      const end = now + exponential(service)
      later(end, () => {
        free.push(agent(chosen!.id, end))
        serve(end)
      })
    }
  }
  const arrive = (now: number) => {
    const caller: Waiting = { id: String(counts.came++), entered: now, skills: [], notBefore: new Map() }
    waiting.push(caller)
    serve(now)
    if (waiting.includes(caller)) counts.waited++
    const end = now + exponential(patience)
    later(end, () => {
      if (!waiting.includes(caller)) return
      waiting = waiting.filter((one) => one !== caller)
      counts.abandoned++
      counts.wait += end - caller.entered
    })
    if (counts.came < callers) {
      const next = now + exponential(arrivals)
      later(next, () => arrive(next))
    }
  }
  arrive(0)
  for (let event; (event = events.pop());) event.run()
  const { came, waited, abandoned, wait } = counts
  return { waits: waited / came, abandons: abandoned / came, wait: wait / came / 1_000 }
}

const agent = (id: string, idleSince: number): FreeAgent => ({ id, idleSince, serviced: 0, levels: new Map() })

for (const load of [
  { arrivals: 4, service: 1, patience: 0.5, agents: 5 },
  { arrivals: 6, service: 1, patience: 0.4, agents: 5 },
  { arrivals: 12, service: 1, patience: 0.5, agents: 10 },
]) {
  test(`with ${load.arrivals} callers a second for ${load.agents} agents the queue is as Erlang A says`, (t) => {
    const [theory, found] = [erlangA(load), simulate(load, 200_000)]
    for (const what of ['waits', 'abandons', 'wait'] as const) {
      const off = Math.abs(found[what] / theory[what] - 1)
      t.true(off < 0.02, `${what}: ${found[what]} is not ${theory[what]}`)
    }
  })
}

test('the formula has the numbers of the literature', (t) => {
  const { waits, abandons, wait } = erlangA({ arrivals: 6, service: 1, patience: 0.4, agents: 5 })
  t.deepEqual(
    [waits, abandons, wait].map((value) => value.toFixed(5)),
    ['0.82947', '0.21832', '0.54580'],
  )
})

test('the estimated wait is that of all who are ahead, and shorter where callers give up', (t) => {
  t.is(estimatedWait(1, { agents: 2, serviceMs: 60_000, abandonRate: 0 }), 30_000)
  t.is(estimatedWait(4, { agents: 2, serviceMs: 60_000, abandonRate: 0 }), 120_000)
  t.true(estimatedWait(4, { agents: 2, serviceMs: 60_000, abandonRate: 1 / 120_000 })! < 120_000)
  t.is(estimatedWait(1, { agents: 0, serviceMs: 60_000, abandonRate: 0 }), undefined)
})
