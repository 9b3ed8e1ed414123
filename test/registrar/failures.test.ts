import test from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { setUp } from '../support/setup.ts'

interface Failure {
  source_address: string
  reason: string
  count: number
}

test('an extension shows who failed to register it, from where, why and how often', async (t) => {
  const setup = await setUp(t)
  const { id, username, domain_name: domain } = await setup.extension()
  const client = await setup.sip('127.0.0.66')
  const aor = `<sip:${username}@${domain}>`
  const wrong = { username, password: 'wrong' }
  for (let n = 0; n < 13; n++) {
    const { status } = await client.authenticated('REGISTER', { uri: `sip:${domain}`, from: aor, to: aor }, wrong)
    t.is(status, 407)
  }
  let failures: Failure[] = []
  await becomesTrue(5_000, async () => {
    const { body } = await setup.api<{ registration: { failures: Failure[] } }>('GET', `/extensions/${id}`)
    failures = body.registration.failures
    return failures.reduce((sum, { count }) => sum + count, 0) === 13
  })
  const shown = failures.map(({ source_address, reason, count }) => ({ source_address, reason, count }))
  t.deepEqual(
    shown.toSorted((a, b) => a.count - b.count),
    [
      { source_address: '127.0.0.66', reason: 'too_many_failures', count: 2 },
      { source_address: '127.0.0.66', reason: 'wrong_password', count: 11 },
    ],
  )
})
