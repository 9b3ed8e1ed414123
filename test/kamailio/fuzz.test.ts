import test from 'ava'
import { fuzzCase } from '../support/fuzz.ts'
import { notSip } from '../support/fuzz-messages.ts'
import { childrenOf, sendFuzz } from '../support/fuzz-sender.ts'
import { Edge } from './edge.ts'

// `npm run bench fuzz` sends 100,000; a case that ever ended a process goes into edge.test.ts by itself.
test('no message of any kind ends a process of Kamailio, or fills its log', async (t) => {
  const edge = await Edge.open(t)
  const { direct, username, domain } = await edge.account()
  const target = { port: edge.port, asterisk: edge.asterisk.port, direct, aor: `sip:${username}@${domain}` }
  const [processes, logged] = [childrenOf(edge.kamailio.pid), edge.kamailio.log.length]
  const answers = await sendFuzz(target, 1, 0, 600)
  // (one that was about to start at the beginning may have come)
  const left = childrenOf(edge.kamailio.pid).split(' ')
  t.deepEqual(
    processes.split(' ').filter((pid) => !left.includes(pid)),
    [],
  )
  const log = edge.kamailio.log.slice(logged)
  t.notRegex(log, /signal|core was generated/)
  t.true(log.length < 2_000, log)
  // It has read them, and not only thrown them away.
  for (const status of ['400', '404', '405', '481', '483', '505']) t.true(answers.has(status), status)
})

test('the cases of a seed are the same each time, and differ from those of another', (t) => {
  const target = { port: 5060, asterisk: 5070, direct: 'sip:direct.0123456789ab@sip.hashdial.test', aor: 'sip:a@b' }
  const cases = (seed: number) => Array.from({ length: 100 }, (_, n) => fuzzCase(seed, n, target).toString('latin1'))
  t.deepEqual(cases(1), cases(1))
  const differing = cases(1).filter((text, n) => text !== cases(2)[n])
  t.is(differing.length, 100 - notSip.length)
})
