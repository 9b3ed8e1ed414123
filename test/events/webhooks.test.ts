import type { ServerResponse } from 'node:http'
import test, { type TestFn } from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { useApi } from '../api/support.ts'
import { listener, type Asked } from '../actions/support.ts'
import { happen, happened, ring, tellOthers, verified } from './support.ts'

// What follows needs it, and hooks that are not serial run at once.
const api = useApi(test.serial as unknown as TestFn, { secrets: ring })
let telling: ReturnType<typeof tellOthers>

test.before(() => {
  telling = tellOthers(api().database)
})

test.after.always(() => telling?.stop())

const good = (_asked: Asked, response: ServerResponse) => void response.writeHead(204).end()

/** (That it was made is an event too, and none that these tests are about.) */
async function webhookOf(key: string, values: object) {
  const { status, body } = await api().post(key, '/v1.0/webhooks', { event_types: ['x', 'call'], ...values })
  if (status !== 201) throw new Error(JSON.stringify(body))
  return body
}

const deliveriesOf = async (key: string, id: string) =>
  (await api().get(key, `/v1.0/webhooks/${id}/deliveries`)).body.result

test('an event is delivered once, signed as Standard Webhooks want it', async (t) => {
  const { url, asked } = await listener(t, good)
  const { id: customer, key } = await api().customer()
  const webhook = await webhookOf(key, { uri: `${url}/hook` })
  t.regex(webhook.secret, /^whsec_/)
  const one = happened(customer, 'call_created', crypto.randomUUID(), { status: 'ringing' })
  await happen(api().database, one)
  t.true(await becomesTrue(5_000, () => asked.length === 1))
  const body = verified(webhook.secret, asked[0]!)
  t.like(body, { id: one.id, type: 'call_created', timestamp: one.tm_create, data: { status: 'ringing' } })
  t.is(asked[0]!.headers['webhook-id'], one.id)
  t.like(asked[0], { method: 'POST', url: '/hook' })
  t.true(
    await becomesTrue(5_000, async () => {
      const [delivery] = await deliveriesOf(key, webhook.id)
      return delivery.status === 'delivered' && delivery.response_status === 204 && delivery.attempts === 1
    }),
  )
})

test('the secret is shown by create alone, and is encrypted in the database', async (t) => {
  const { key } = await api().customer()
  const webhook = await webhookOf(key, { uri: 'https://example.com/' })
  const { text } = await api().get(key, `/v1.0/webhooks/${webhook.id}`)
  t.false(text.includes('whsec_'))
  const [row] = await api().database.query('SELECT * FROM webhooks WHERE id = ?', [webhook.id])
  t.false(JSON.stringify(row).includes(webhook.secret.slice(6, 30)))
  t.is(ring.open(row.sealed_secret, webhook.id), webhook.secret)
  t.throws(() => ring.open(row.sealed_secret, crypto.randomUUID()))
})

test('a webhook is told of the types that it names, to the underscore', async (t) => {
  const { url, asked } = await listener(t, good)
  const { id: customer, key } = await api().customer()
  await webhookOf(key, { uri: url, event_types: ['queue', 'call_hangup'] })
  const types = ['queue_created', 'queuecall_created', 'call_created', 'call_hangup']
  await happen(api().database, ...types.map((type) => happened(customer, type, type)))
  t.true(await becomesTrue(5_000, () => asked.length === 2))
  t.deepEqual(asked.map(({ body }) => JSON.parse(body).type).sort(), ['call_hangup', 'queue_created'])
})

test('a failed event holds up the later ones of its resource and nothing else, and comes again after 5 s', async (t) => {
  let isBroken = true
  const { url, asked } = await listener(t, ({ body }, response) => {
    const isFirst = JSON.parse(body).resource_id === 'a' && isBroken
    if (isFirst) isBroken = false
    response.writeHead(isFirst ? 500 : 200).end('what I say')
  })
  const { id: customer, key } = await api().customer()
  const webhook = await webhookOf(key, { uri: url })
  const events = ['a', 'a', 'b', 'a', 'b'].map((resource, count) => happened(customer, 'x_y', resource, { count }))
  await happen(api().database, ...events)
  const order = (resource: string) =>
    asked.map(({ body }) => JSON.parse(body)).flatMap((body) => (body.resource_id === resource ? body.data.count : []))
  t.true(await becomesTrue(3_000, () => order('b').length === 2))
  t.deepEqual(order('a'), [0])
  const failed = (await deliveriesOf(key, webhook.id)).find(
    (one: { response_status: number }) => one.response_status === 500,
  )
  t.like(failed, { status: 'pending', response_status: 500, response_body: 'what I say', error: 'it answered 500' })
  t.true(await becomesTrue(15_000, () => order('a').length === 4))
  t.deepEqual(order('a'), [0, 0, 1, 3])
  const [first, again] = asked.filter(({ body }) => JSON.parse(body).data.count === 0)
  t.is(first!.headers['webhook-id'], again!.headers['webhook-id'])
  t.true(Number(again!.headers['webhook-timestamp']) >= Number(first!.headers['webhook-timestamp']) + 5)
  t.notThrows(() => verified(webhook.secret, again!))
})

test('a redirect is no delivery and is not followed', async (t) => {
  const { url, asked } = await listener(t, (_asked, response) => response.writeHead(307, { location: '/other' }).end())
  const { id: customer, key } = await api().customer()
  const webhook = await webhookOf(key, { uri: url })
  await happen(api().database, happened(customer, 'x_y', 'a'))
  t.true(await becomesTrue(5_000, async () => (await deliveriesOf(key, webhook.id))[0]?.response_status === 307))
  t.is(asked.length, 1)
})

test('410 disables the webhook, and an event says so', async (t) => {
  const { url } = await listener(t, (_asked, response) => response.writeHead(410).end())
  const { id: customer, key } = await api().customer()
  const webhook = await webhookOf(key, { uri: url })
  await happen(api().database, happened(customer, 'x_y', 'a'), happened(customer, 'x_y', 'a'))
  const read = async () => (await api().get(key, `/v1.0/webhooks/${webhook.id}`)).body
  t.true(await becomesTrue(5_000, async () => (await read()).status === 'disabled'))
  t.is((await read()).disabled_reason, 'gone')
  const statuses = (await deliveriesOf(key, webhook.id)).map(({ status }: { status: string }) => status)
  t.deepEqual(statuses, ['failed', 'failed'])
  const events = await api().database.query('SELECT type, data FROM events WHERE resource_id = ? AND type = ?', [
    ...[webhook.id, 'webhook_disabled'],
  ])
  t.is(events.length, 1)
  t.false(events[0].data.includes('whsec_'))
  const enabled = await api().put(key, `/v1.0/webhooks/${webhook.id}`, { status: 'enabled' })
  t.like(enabled.body, { status: 'enabled', disabled_reason: '' })
})

test('a receiver that hangs holds up nobody else', async (t) => {
  const { url: hanging, asked: held } = await listener(t, () => undefined)
  const { url, asked } = await listener(t, good)
  const { id: customer, key } = await api().customer()
  await webhookOf(key, { uri: hanging })
  await webhookOf(key, { uri: url })
  await happen(api().database, ...Array.from({ length: 60 }, (_, at) => happened(customer, 'x_y', String(at))))
  t.true(await becomesTrue(5_000, () => asked.length === 60))
  t.true(held.length <= 60)
})

test('private addresses are not reached', async (t) => {
  const { id: customer, key } = await api().customer()
  const webhook = await webhookOf(key, { uri: 'http://10.0.0.1/' })
  await happen(api().database, happened(customer, 'x_y', 'a'))
  t.true(
    await becomesTrue(5_000, async () => {
      const [delivery] = await deliveriesOf(key, webhook.id)
      return /not on the public internet/.test(delivery?.error)
    }),
  )
})

test('after a rotation both secrets sign, and the old one no more when its time is over', async (t) => {
  const { url, asked } = await listener(t, good)
  const { id: customer, key } = await api().customer()
  const webhook = await webhookOf(key, { uri: url })
  const { body: rotated } = await api().post(key, `/v1.0/webhooks/${webhook.id}/rotate`)
  t.not(rotated.secret, webhook.secret)
  await happen(api().database, happened(customer, 'x_y', 'a'))
  t.true(await becomesTrue(5_000, () => asked.length === 1))
  for (const { secret } of [webhook, rotated]) t.notThrows(() => verified(secret, asked[0]!))
  await api().database.query('UPDATE webhooks SET tm_old_secret_expire = NOW(6) WHERE id = ?', [webhook.id])
  await happen(api().database, happened(customer, 'x_y', 'a'))
  t.true(await becomesTrue(5_000, () => asked.length === 2))
  t.notThrows(() => verified(rotated.secret, asked[1]!))
  t.throws(() => verified(webhook.secret, asked[1]!))
})

test('the test button tells this webhook alone, whatever it wants to be told', async (t) => {
  const [one, other] = [await listener(t, good), await listener(t, good)]
  const { key } = await api().customer()
  const webhook = await webhookOf(key, { uri: one.url, event_types: ['call'] })
  await webhookOf(key, { uri: other.url })
  t.is((await api().post(key, `/v1.0/webhooks/${webhook.id}/test`)).status, 200)
  t.true(await becomesTrue(5_000, () => one.asked.length === 1))
  t.is(verified(webhook.secret, one.asked[0]!).type, 'webhook_test')
  t.is(other.asked.length, 0)
  await api().put(key, `/v1.0/webhooks/${webhook.id}`, { status: 'disabled' })
  t.is((await api().post(key, `/v1.0/webhooks/${webhook.id}/test`)).body.error.reason, 'WEBHOOK_DISABLED')
})

test('a delivery can be sent again, with the same id', async (t) => {
  const { url, asked } = await listener(t, good)
  const { id: customer, key } = await api().customer()
  const webhook = await webhookOf(key, { uri: url })
  await happen(api().database, happened(customer, 'x_y', 'a'))
  const isDelivered = async () => (await deliveriesOf(key, webhook.id))[0]?.status === 'delivered'
  t.true(await becomesTrue(5_000, isDelivered))
  const [delivery] = await deliveriesOf(key, webhook.id)
  const path = `/v1.0/webhooks/${webhook.id}/deliveries/${delivery.id}`
  t.is((await api().post(key, `${path}/send`)).status, 200)
  t.true(await becomesTrue(5_000, () => asked.length === 2))
  t.is(asked[1]!.headers['webhook-id'], asked[0]!.headers['webhook-id'])
  t.true(await becomesTrue(5_000, isDelivered))
  const stranger = await api().customer()
  t.is((await api().get(stranger.key, path)).body.error.reason, 'DELIVERY_NOT_FOUND')
  t.is(
    (await api().get(stranger.key, `/v1.0/webhooks/${webhook.id}/deliveries`)).body.error.reason,
    'WEBHOOK_NOT_FOUND',
  )
})

test('a webhook to which nothing could be delivered for five days is disabled', async (t) => {
  const { url } = await listener(t, (_asked, response) => void response.writeHead(500).end())
  const { id: customer, key } = await api().customer()
  const webhook = await webhookOf(key, { uri: url })
  const fail = async (days: number) => {
    await api().database.query('UPDATE webhooks SET tm_failing = NOW(6) - INTERVAL ? HOUR WHERE id = ?', [
      ...[days * 24, webhook.id],
    ])
    await happen(api().database, happened(customer, 'x_y', crypto.randomUUID()))
  }
  const read = async () => (await api().get(key, `/v1.0/webhooks/${webhook.id}`)).body
  await fail(4.9)
  t.true(await becomesTrue(5_000, async () => (await deliveriesOf(key, webhook.id))[0]?.response_status === 500))
  t.is((await read()).status, 'enabled')
  await fail(5.1)
  t.true(await becomesTrue(5_000, async () => (await read()).status === 'disabled'))
  t.is((await read()).disabled_reason, 'failing')
})
