import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { setUp, type Extension, type Setup } from '../support/setup.ts'
import type { SipClient } from '../support/sip.ts'
import { sdp } from './support.ts'

/** How often the hash changes while others call. */
const times = 200

/** Below the guess limit of one source, so that it is the lookup that answers. */
const callsOfOneSource = 15

test('not one call to an old hash gets through, and no current one is refused, while it changes 200 times', async (t) => {
  const setup = await setUp(t)
  const extension = await setup.extension()
  const caller = await setup.sip()
  const hammer = hammering(setup)
  let hash = extension.direct_hash
  for (let count = 0; count < times; count++) {
    hammer.old = hash
    const { body } = await setup.api<Extension>('POST', `/extensions/${extension.id}/direct-hash-regenerate`)
    t.not(body.direct_hash, hash)
    hammer.dead.add(hash)
    hash = body.direct_hash
    // 480: the address leads to the extension, which has no device here.
    t.is(await dial(caller, hash), 480, `the new address after change ${count}`)
  }
  const { calls, through } = await hammer.stop()
  t.deepEqual(through, [])
  t.true(calls >= times, `${calls} calls to old addresses`)
})

async function dial(client: SipClient, hash: string): Promise<number> {
  const uri = `sip:direct.${hash}@sip.hashdial.test`
  const answer = await client.request('INVITE', { uri, body: sdp('127.0.0.1', 40000) })
  client.acknowledge(answer, { uri })
  return answer.status
}

/** Callers that know the old address only, and go on calling it while it dies and after. */
function hammering(setup: Setup) {
  const state = { old: '', dead: new Set<string>(), through: [] as string[], calls: 0, over: false, stop }
  const hammer = async (network: number) => {
    for (let source = 1; !state.over; source++) {
      const client = await setup.sip(`127.0.${network}.${source}`)
      for (let call = 0; call < callsOfOneSource && !state.over; call++) {
        const hash = state.old
        const wasDead = state.dead.has(hash)
        const status = hash === '' ? 404 : await dial(client, hash)
        if (wasDead && status !== 404) state.through.push(`${hash}: ${status}`)
        state.calls++
        await delay(2) // a caller, not a flood
      }
    }
  }
  const running = Promise.all([hammer(101), hammer(102)])
  async function stop() {
    state.over = true
    await running
    return state
  }
  return state
}
