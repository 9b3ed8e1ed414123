import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { AriNode, cleanUp, unlessGone, type AriListener } from '../../src/ari/connection.ts'
import { AriError, type AriEvent } from '../../src/ari/types.ts'
import { createLogger } from '../../src/log.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { sharedStack } from '../support/setup.ts'

/** What ari-client 2.2.0 does not do by itself, against a real Asterisk. Each test has an application of its own. */
async function connect(t: ExecutionContext, change: (url: URL) => void = () => undefined) {
  const stack = await sharedStack()
  const url = new URL(stack.ariUrl)
  change(url)
  const events: AriEvent[] = []
  const listener: AriListener = {
    stasisStart: (_node, event) => events.push(event),
    connected: () => undefined,
    disconnected: () => undefined,
  }
  const node = new AriNode(url.href, createLogger('silent'), listener, `test-${randomUUID()}`)
  t.teardown(() => node.stop())
  node.start()
  return { node, events, stack }
}

test('a connection knows every operation that Asterisk has, and carries requests and their answers', async (t) => {
  const { node } = await connect(t)
  t.true(await becomesTrue(5_000, () => node.connected))
  const operations = Object.values(node.ari as unknown as Record<string, Record<string, unknown>>)
  t.true(operations.flatMap((resource) => Object.values(resource ?? {})).length >= 100)
  t.regex((await node.ari.asterisk.getInfo({ only: 'system' })).system.version, /^2\d\./)
})

test('a wrong password is told as such, tried again and again, and ends nothing', async (t) => {
  const { node } = await connect(t, (url) => (url.password = 'wrong'))
  t.true(await becomesTrue(5_000, () => node.problem.includes('401')))
  t.false(node.connected)
  await t.throwsAsync(async () => node.ari.channels.list(), { instanceOf: AriError })
})

test('an Asterisk that is not there is told as such, and requests to it reject', async (t) => {
  const { node } = await connect(t, (url) => (url.port = '9'))
  t.true(await becomesTrue(5_000, () => node.problem.includes('ECONNREFUSED')))
  const error = t.throws(() => node.ari.channels, { instanceOf: AriError })
  t.is(error.status, 0)
})

test('what is gone already is no error, where that is said', async (t) => {
  const { node } = await connect(t)
  t.true(await becomesTrue(5_000, () => node.connected))
  t.is(await unlessGone(node.ari.channels.get({ channelId: 'nobody' })), undefined)
  await t.notThrowsAsync(cleanUp([node.ari.bridges.destroy({ bridgeId: 'nothing' })]))
  const error = await t.throwsAsync(node.ari.channels.get({ channelId: 'nobody' }), { instanceOf: AriError })
  t.true(error.gone)
})

test('a channel’s events reach who listens for it, and nobody after he stopped', async (t) => {
  const { node, events } = await connect(t)
  t.true(await becomesTrue(5_000, () => node.connected))
  const id = `test-${randomUUID()}`
  const seen: string[] = []
  const off = node.on(id, (event) => seen.push(event.type))
  await node.ari.channels.create({ endpoint: 'PJSIP/hashdial/sip:x@127.0.0.1:9', app: node.application, channelId: id })
  t.true(await becomesTrue(5_000, () => seen.includes('StasisStart')))
  t.is(events.length, 1)
  off()
  t.is(node.listening, 0)
  await node.ari.channels.hangup({ channelId: id })
  t.false(seen.includes('ChannelDestroyed'))
})

test('names that need escaping arrive as they are', async (t) => {
  const { node } = await connect(t)
  t.true(await becomesTrue(5_000, () => node.connected))
  const bridgeId = `a b/ü?&${randomUUID()}`
  await node.ari.bridges.createWithId({ bridgeId, type: 'mixing' })
  t.is((await node.ari.bridges.get({ bridgeId })).id, bridgeId)
  await node.ari.bridges.destroy({ bridgeId })
})

test('a list of many channels is read, and Asterisk lives on', async (t) => {
  const { node } = await connect(t)
  t.true(await becomesTrue(5_000, () => node.connected))
  const ids = Array.from({ length: 1_600 }, (_, number) => `test-many-${number}`)
  const { application: app, ari } = node
  const endpoint = 'PJSIP/hashdial/sip:nobody@127.0.0.1'
  t.teardown(() => cleanUp(ids.map((channelId) => ari.channels.hangup({ channelId }))))
  for (const channelId of ids) await ari.channels.create({ endpoint, app, channelId })
  const listed = new Set((await ari.channels.list()).map(({ id }) => id))
  t.true(ids.every((id) => listed.has(id)))
  t.is((await ari.channels.get({ channelId: ids[0]! })).id, ids[0]!)
})
