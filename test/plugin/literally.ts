import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { ExecutionContext, TestFn } from 'ava'
import { becomesTrue } from '../../src/stack/shell.ts'
import { sharedStack } from '../support/setup.ts'
import { header } from '../support/sip.ts'
import { asteriskAddress, domain, kamailioAddress, Operator } from './operator.ts'
import { call, phone, register } from './phones.ts'

interface Extension {
  username: string
  domain_name: string
  direct_uri: string
}

/** README's recipe in the configuration of Debian's packages, step by step; the tests are in their order. */
export function literally(test: TestFn, database: 'mysql' | 'mariadb', rootfs: () => Promise<string>): void {
  let operator: Operator
  let extension: Extension

  test.before('the operator has a Kamailio and an Asterisk', async (t) => {
    t.timeout(15 * 60_000, 'the rootfs may have to be built')
    const stack = await sharedStack()
    operator = new Operator(await rootfs(), stack.rootfs, database, join(stack.folder, 'operator'))
    await Promise.all((['database', 'asterisk', 'kamailio'] as const).map((part) => operator.start(part)))
  })
  test.after.always('the operator’s machines are gone', () => operator?.stop())

  test.serial('before: the operator’s own phones and trunk work', (t) => ownCallsWork(t, operator))

  test.serial('README’s lines are all that it takes', async (t) => {
    t.timeout(5 * 60_000)
    extension = await follow(operator)
    t.is(extension.username, '1001')
    const { log } = operator.part('kamailio')
    t.notRegex(log, /CRITICAL/)
    t.false(/ERROR/.test(log), log)
  })

  test.serial('after: the operator’s own phones and trunk work', (t) => ownCallsWork(t, operator))

  test.serial('after: a direct address rings the phone, and a BYE finds its way', async (t) => {
    const account = {
      username: '1001',
      domain: extension.domain_name,
      password: operator.recipe.secret('phone password'),
    }
    const [device, stranger] = [await phone(t, kamailioAddress), await phone(t, kamailioAddress)]
    t.is(await register(device, account), 200)
    t.is(await call(stranger, 'sip:someone@elsewhere.test', extension.direct_uri, device), 200)
    const answer = stranger.received.find(({ status }) => status === 200)!
    t.regex((answer.headers.get('record-route') ?? []).join(), /sip:127\.88\.0\.5:5062;.*,<sip:203\.0\.113\.5;/)
    t.is(
      await call(
        stranger,
        'sip:someone@elsewhere.test',
        extension.direct_uri.replace(/direct\.\w{6}/, 'direct.000000'),
      ),
      404,
    )
  })

  test.serial('after: a phone refreshes its registration, and takes that of a dead one over', async (t) => {
    const account = {
      username: '1001',
      domain: extension.domain_name,
      password: operator.recipe.secret('phone password'),
    }
    const [dead, device] = [await phone(t, kamailioAddress), await phone(t, kamailioAddress)]
    t.is(await register(dead, account), 200) // the phone of the test before is dead, too
    for (let n = 0; n < 2; n++) t.is(await register(device, account, 'of one boot'), 200)
    t.true(
      dead.received.some(({ method }) => method === 'OPTIONS'),
      'it was asked whether it is there',
    )
  })

  test.serial('the database is away: the operator’s calls work, also after a restart of Kamailio', async (t) => {
    await operator.part('database').stop()
    await ownCallsWork(t, operator)
    await operator.start('kamailio')
    await ownCallsWork(t, operator)
    const stranger = await phone(t, kamailioAddress)
    const refused = await stranger.request('INVITE', { uri: extension.direct_uri })
    t.is(refused.status, 503)
    t.is(header(refused, 'retry-after'), '5')
    await operator.start('database')
    t.true(await becomesTrue(10_000, async () => (await addressIsKnown(t, extension)) === 480), 'it works again')
  })

  test.serial('the database hangs: the operator’s calls are not late', async (t) => {
    operator.part('database').hang()
    await inTime(t, operator, extension)
    await operator.start('kamailio')
    await ownCallsWork(t, operator)
    operator.part('database').goOn()
    t.true(await becomesTrue(15_000, async () => (await addressIsKnown(t, extension)) === 480), 'it works again')
  })
}

/** Calls between Kamailio's phones, to the world by the trunk to Asterisk, back from it, and a phone of Asterisk's own. */
async function ownCallsWork(t: ExecutionContext, operator: Operator): Promise<void> {
  const [one, two] = [await phone(t, kamailioAddress), await phone(t, kamailioAddress)]
  const own = await phone(t, asteriskAddress)
  t.is(await register(one, { username: '1008', domain }), 200)
  t.is(await register(two, { username: '1009', domain }), 200)
  t.is(await register(own, { username: '2001', domain: asteriskAddress, password: 'two thousand and one' }), 200)
  const from = `sip:1008@${domain}`
  t.is(await call(one, from, `sip:1009@${domain}`, two), 200, 'from phone to phone')
  t.is(await call(one, from, `sip:+15551234567@${domain}`), 200, 'by the trunk')
  t.is(await call(one, from, `sip:nobody@${domain}`), 404)
  const since = two.received.length
  await operator.cli(`channel originate PJSIP/edge/sip:1009@${domain} application Wait 10`)
  const invite = await two.message(({ method }) => method === 'INVITE', since)
  two.reply(invite, '603 Decline')
}

/** With more questions under way than Kamailio has workers, the operator's phones are answered at once all the same. */
async function inTime(t: ExecutionContext, operator: Operator, { direct_uri: uri }: Extension): Promise<void> {
  const strangers = await Promise.all(Array.from({ length: 24 }, () => phone(t, kamailioAddress)))
  const refused = Promise.all(strangers.map((stranger) => stranger.request('INVITE', { uri }, 30_000)))
  for (let n = 0; n < 5; n++) {
    const began = Date.now()
    await ownCallsWork(t, operator)
    t.true(Date.now() - began < 2_000, `the operator’s calls took ${Date.now() - began} ms`)
  }
  t.deepEqual([...new Set((await refused).map(({ status }) => status))], [503])
}

/** What a stranger hears who calls the extension: 480, for its phone is gone. */
async function addressIsKnown(t: ExecutionContext, { direct_uri: uri }: Extension): Promise<number> {
  const stranger = await phone(t, kamailioAddress)
  return (await stranger.request('INVITE', { uri }, 10_000)).status
}

async function follow(operator: Operator): Promise<Extension> {
  const { recipe } = operator
  const [accounts = '', rights = ''] = recipe.for('sql')
  await operator.sql(accounts)
  for (const name of ['pjsip.conf', 'extensions.conf', 'ari.conf', 'http.conf']) {
    operator.add('asterisk', name, recipe.for(`/etc/asterisk/${name}`).join(''))
  }
  await operator.start('asterisk')
  await operator.start('hashdial')
  await operator.sql(rights)
  operator.add('kamailio', 'dispatcher.list', recipe.for('/etc/kamailio/dispatcher.list').join(''))
  const [listen = ''] = recipe.for('/etc/kamailio/kamailio.cfg: after your listen')
  const [include = ''] = recipe.for('/etc/kamailio/kamailio.cfg: before')
  const [route = ''] = recipe.for('/etc/kamailio/kamailio.cfg: in')
  operator.edit('kamailio.cfg', (text) => text.replace(/^(listen=.*\n)+/m, `$&${listen}`))
  operator.edit('kamailio.cfg', (text) => text.replace(/^request_route \{$/m, `${include}\n$&`))
  operator.edit('kamailio.cfg', (text) => text.replace(/^\troute\(REQINIT\);\n/m, `$&${route}`))
  await operator.start('kamailio')
  const first = spawnSync('bash', ['-ec', recipe.for('sh')[1]!], { encoding: 'utf8' })
  if (first.status !== 0) throw new Error(`the first customer cannot be made: ${first.stdout}${first.stderr}`)
  return JSON.parse(first.stdout) as Extension
}
