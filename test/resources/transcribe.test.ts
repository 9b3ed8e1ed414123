import { randomUUID } from 'node:crypto'
import test from 'ava'
import { removeOldRecordings } from '../../src/media/recording-files.ts'
import { idOf } from '../../src/id.ts'
import type { AriNode } from '../../src/ari/connection.ts'
import { AriError } from '../../src/ari/types.ts'
import { insertOnce, now } from '../../src/database.ts'
import { repairs } from '../../src/registrar/repairs.ts'
import { useApi } from '../api/support.ts'

const dropped: string[] = []
const api = useApi(test, { transcribes: { drop: (id) => void dropped.push(id) } })
const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString()

/** A transcribe of two transcripts; both parties have said the same. */
async function stored(customer_id: string, tm_end: string | null = now()): Promise<string> {
  const row = {
    ...{ id: randomUUID(), customer_id, activeflow_id: randomUUID(), reference_type: 'call' },
    ...{ reference_id: randomUUID(), on_end_flow_id: null, status: tm_end ? 'done' : 'progressing' },
    ...{ provider: 'moonshine', language: '', direction: 'both', node: 'a:1', place: `${randomUUID()}-1` },
    ...{ tm_end, tm_create: now(), tm_update: null },
  }
  await insertOnce(api().database, 'transcribes', row)
  for (const direction of ['in', 'out']) {
    const said = { customer_id, transcribe_id: row.id, direction, message: 'Grüß Gott 😀', offset_ms: 1_500 }
    await insertOnce(api().database, 'transcripts', { id: randomUUID(), ...said, tm_create: now() })
  }
  return row.id
}

test('a customer reads his own, page by page and one by one, and nobody else’s', async (t) => {
  const [mine, other] = [await api().customer(), await api().customer()]
  const [first, second] = [await stored(mine.id), await stored(mine.id, null)]
  const { body: page } = await api().get(mine.key, '/v1.0/transcribes?page_size=1')
  t.deepEqual([page.result.length, page.result[0].id, page.result[0].status], [1, second, 'progressing'])
  const { body: rest } = await api().get(mine.key, `/v1.0/transcribes?page_size=1&page_token=${page.next_page_token}`)
  t.is(rest.result[0].id, first)
  const { body: texts } = await api().get(mine.key, `/v1.0/transcripts?transcribe_id=${first}`)
  t.deepEqual(
    texts.result.map(({ direction, message }: Record<string, string>) => [direction, message]),
    [
      ['out', 'Grüß Gott 😀'],
      ['in', 'Grüß Gott 😀'],
    ],
  )
  const paths = [`/v1.0/transcribes/${first}`, `/v1.0/transcripts/${texts.result[0].id}`]
  for (const path of paths) {
    t.is((await api().get(mine.key, path)).status, 200)
    t.is((await api().get(other.key, path)).status, 404)
  }
  t.is((await api().delete(other.key, paths[0]!)).status, 404)
  t.deepEqual((await api().get(other.key, `/v1.0/transcripts?transcribe_id=${first}`)).body.result, [])
})

test('one that is deleted ends, and its texts go with it', async (t) => {
  const { id: customer, key } = await api().customer()
  const id = await stored(customer, null)
  t.is((await api().delete(key, `/v1.0/transcribes/${id}`)).status, 200)
  t.true(dropped.includes(id))
  t.is(await api().database.getRepository('transcripts').countBy({ transcribe_id: id }), 0)
})

test('old ones go with their texts, and old recordings with their files, if their Asterisk is there', async (t) => {
  const { id: customer_id } = await api().customer()
  const ids = [await stored(customer_id, ago(31)), await stored(customer_id, ago(29)), await stored(customer_id, null)]
  const jobs = repairs({
    callRetentionDays: 1,
    eventRetentionDays: 1,
    recordingRetentionDays: 30,
    failureRetentionDays: 1,
  })
  t.is(await jobs.find(({ name }) => name === 'old transcribes')!.run(api().database), 1)
  t.is(await api().database.getRepository('transcripts').countBy({ transcribe_id: ids[0]! }), 0)
  t.is(await api().database.getRepository('transcripts').countBy({ transcribe_id: ids[1]! }), 2)

  const removed: string[] = []
  const orphan = `recording-${randomUUID()}-1`
  const nodes = ['here', 'away'].map((name) => {
    const deleteStored = async ({ recordingName }: { recordingName: string }) => void removed.push(recordingName)
    const stop = () => Promise.reject(new AriError(404, 'it is not being made'))
    const listStored = async () => ['somebody else’s', orphan].map((file) => ({ name: file }))
    return {
      name,
      connected: name === 'here',
      ari: { recordings: { stop, deleteStored, listStored } },
    } as unknown as AriNode
  })
  for (const [node, tm_end] of [
    ...[['here', ago(31)] as const, ['here', ago(29)] as const, ['here', null] as const],
    ['away', ago(31)] as const,
  ]) {
    const file = `${node} ${tm_end}`
    await insertOnce(api().database, 'recordings', {
      ...{ id: idOf(file), customer_id, activeflow_id: randomUUID(), reference_type: 'call', node, file },
      ...{ reference_id: randomUUID(), status: 'ended', format: 'wav', end_of_key: '', tm_end },
      ...{ tm_start: now(), tm_create: now() },
    })
  }
  t.is(await removeOldRecordings(nodes, api().database, 30), 2)
  t.is(removed.length, 2)
  t.is(removed[1], orphan, 'whose customer is gone')
  t.is(await api().database.getRepository('recordings').countBy({ customer_id }), 3)
})
