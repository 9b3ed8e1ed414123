import { readdirSync, readFileSync } from 'node:fs'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import test from 'ava'
import { actions } from '../../src/actions/index.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import { useApi } from './support.ts'

const api = useApi(test)

async function description() {
  const { text } = await api().get('', '/openapi.json')
  return { text, body: JSON.parse(text) }
}

test('the linter of Redocly has nothing to say about the description, in its strictest set', async (t) => {
  const { text: source } = await description()
  const config = await createConfig({ extends: ['recommended-strict'] })
  const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config })
  t.deepEqual(
    problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`),
    [],
  )
})

test('each action and each of its options has a schema, which takes what the API takes', async (t) => {
  const { body } = await description()
  const ajv = addFormats.default(new Ajv2020({ strict: false }))
  const { components } = body
  const isAction = ajv.compile({ $ref: '#/components/schemas/action', components })
  const id = '6f1c0f5e-7d53-4d0e-9a53-0c2f5a7f3b11'
  const good = [
    { type: 'answer' },
    { type: 'answer', id, next_id: null, option: {} },
    { type: 'talk', option: { text: 'Hello ${name}', language: '${language}' } },
    { type: 'call', option: { destinations: [{ type: 'tel', target: '+4930123' }], actions: [{ type: 'hangup' }] } },
    { type: 'connect', option: { destinations: [{ type: 'extension', target_name: '1001' }], timeout: 30_000 } },
    { type: 'branch', option: { target_ids: { 1: id } } },
  ]
  const bad = [
    { type: 'no_such_action' },
    { type: 'answer', option: { unknown: 1 } },
    { type: 'sleep' },
    { type: 'sleep', option: { duration: '${seconds}' } },
    { type: 'goto', option: { target_id: '${id}' } },
    { type: 'call', option: { destinations: [{ type: 'tel', target: '+4930123' }], actions: [{ type: 'nothing' }] } },
  ]
  for (const action of good) t.true(isAction(action), JSON.stringify(action) + ajv.errorsText(isAction.errors))
  for (const action of bad) t.false(isAction(action), JSON.stringify(action))
  // Compiling holds this process up for so long that the database may have been given up.
  let key = ''
  t.true(await becomesTrue(10_000, async () => ((key = (await api().customer()).key), key !== undefined)))
  for (const action of good.filter(({ type }) => type !== 'branch'))
    t.like(await api().post(key, '/v1.0/flows', { actions: [action] }), { status: 201 }, JSON.stringify(action))
  for (const action of bad) t.is((await api().post(key, '/v1.0/flows', { actions: [action] })).status, 400)
  const flows = body.tags.find(({ name }: { name: string }) => name === 'flows')
  for (const type of Object.keys(actions)) t.true(flows.description.includes(`| \`${type}\` |`), type)
})

test('each reason that is given anywhere is in the list', async (t) => {
  const { body } = await description()
  const { reason } = body.components.schemas.error.properties.error.properties
  const root = new URL('../../src/', import.meta.url)
  const statuses = body.components.schemas.error.properties.error.properties.status.enum.join('|')
  const given = new RegExp(`(?:'(?:${statuses})',\\s+|\\bexhausted\\()'([A-Z_]+)',`, 'g')
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  const found = files.flatMap((name) => [...readFileSync(new URL(name, root), 'utf8').matchAll(given)])
  t.true(found.length > 50)
  for (const [, name] of found) t.true(reason.enum.includes(name), name)
})
