import { readFile } from 'node:fs/promises'
import test from 'ava'
import { ConfigError, loadConfig, settings } from '../src/config.ts'

const least = {
  HASHDIAL_DATABASE_URL: 'mysql://hashdial:secret@127.0.0.1:3306/hashdial',
  HASHDIAL_ARI_URLS: 'http://hashdial:secret@127.0.0.1:8088',
}

test('a database and an Asterisk are enough; everything else has a default', (t) => {
  const config = loadConfig(least)
  t.is(config.baseDomain, 'hashdial.test')
  t.is(config.hashBytes, 6)
  t.is(config.ringSeconds, 60)
  t.deepEqual(config.apiListen, { host: '127.0.0.1', port: 8080 })
  t.deepEqual(config.ariUrls, [{ node: '127.0.0.1:8088', url: 'http://hashdial:secret@127.0.0.1:8088' }])
  t.true(Object.isFrozen(config))
})

test('a variable that is set to nothing counts as not set', (t) => {
  t.is(loadConfig({ ...least, HASHDIAL_RING_SECONDS: ' ' }).ringSeconds, 60)
})

test('several Asterisks are named by host and port', (t) => {
  const config = loadConfig({ ...least, HASHDIAL_ARI_URLS: 'http://a:b@10.0.0.1:8088, https://a:b@pbx.example.com/' })
  t.deepEqual(
    config.ariUrls.map(({ node }) => node),
    ['10.0.0.1:8088', 'pbx.example.com:443'],
  )
})

test('all problems are told at once, each with its variable and how to mend it', (t) => {
  const error = t.throws(
    () =>
      loadConfig({
        HASHDIAL_BASE_DOMAIN: 'Not A Domain',
        HASHDIAL_HASH_BYTES: '5',
        HASHDIAL_API_LISTEN: '8080',
        HASHDIAL_LOG_LEVEL: 'loud',
        HASHDIAL_ADMIN_KEY_SHA256: 'the key itself',
      }),
    { instanceOf: ConfigError },
  )
  const named = error.problems.map(({ variable }) => variable).sort()
  t.deepEqual(named, [
    'HASHDIAL_ADMIN_KEY_SHA256',
    'HASHDIAL_API_LISTEN',
    'HASHDIAL_ARI_URLS',
    'HASHDIAL_BASE_DOMAIN',
    'HASHDIAL_DATABASE_URL',
    'HASHDIAL_HASH_BYTES',
    'HASHDIAL_LOG_LEVEL',
  ])
  t.regex(error.message, /HASHDIAL_HASH_BYTES is "5"; give a whole number from 6 to 16/)
})

test('a secret is never repeated in a complaint', (t) => {
  const error = t.throws(() =>
    loadConfig({
      HASHDIAL_DATABASE_URL: 'postgres://hashdial:hunter2@db/hashdial',
      HASHDIAL_ARI_URLS: 'ws://hashdial:hunter2@pbx:8088',
      HASHDIAL_ADMIN_KEY_SHA256: 'hunter2',
    }),
  )
  t.notRegex(error.message, /hunter2/)
})

test('an Asterisk that is named twice is a mistake', (t) => {
  t.throws(() => loadConfig({ ...least, HASHDIAL_ARI_URLS: 'http://a:b@pbx:8088,http://c:d@pbx:8088' }), {
    message: /names pbx:8088 twice/,
  })
})

test('the README names every variable with its default', async (t) => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  for (const { variable, default: standard = '' } of Object.values<{ variable: string; default?: string }>(settings)) {
    const line = readme.split('\n').find((row) => row.startsWith('|') && row.includes(`\`${variable}\``))
    t.truthy(line, `${variable} is not in the README's table`)
    if (standard !== '') t.true(line?.includes(`\`${standard}\``), `the README has another default of ${variable}`)
  }
})
