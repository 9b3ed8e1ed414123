import test from 'ava'
import { header } from '../support/sip.ts'
import { base, Edge, visible, type Account } from './edge.ts'
import { arrives } from './numbers.ts'

const mayCall = (edge: Edge, { id }: Account) =>
  edge.rows('UPDATE subscriber SET outbound = 1 WHERE extension_id = ?', id)

const domainOf = ({ customer }: Account): string => `${customer}.registrar.${base}`

test('an extension that may dials a number in each usual way, and Hashdial is told the number', async (t) => {
  const edge = await Edge.open(t)
  const account = await edge.account()
  await mayCall(edge, account)
  const phone = await edge.client()
  for (const user of [
    '+4930123456',
    '004930123456',
    '4930123456',
    '+49-30-123456',
    '%2B4930123456',
    '+4930123456;npdi',
  ])
    for (const more of ['', ';user=phone']) {
      const uri = `sip:${user}@${domainOf(account)}${more}`
      const from = `<sip:${account.username}@${domainOf(account)}>`
      const invite = await arrives(edge, () => phone.authenticated('INVITE', { uri, from }, account))
      t.is(invite.start, `INVITE sip:outbound.${account.id}@127.0.0.1:${edge.asterisk.port} SIP/2.0`, uri)
      t.regex(header(invite, 'hashdial-call'), /;number=\+4930123456$/)
    }
})

test('whether an extension may dial numbers is said to who has its password, and to nobody else', async (t) => {
  const edge = await Edge.open(t, { env: { HASHDIAL_FAILURES: '100' } })
  const [allowed, other] = [await edge.account(), await edge.account()]
  await mayCall(edge, allowed)
  const phone = await edge.client()
  const dial = (account: Account, user: string, password = account.password) =>
    phone.authenticated(
      'INVITE',
      { uri: `sip:${user}@${domainOf(account)}`, from: `<sip:${account.username}@${domainOf(account)}>` },
      { ...account, password },
    )
  const refused = await dial(other, '+4930123456')
  t.is(refused.start, 'SIP/2.0 403 Outbound Calls Not Allowed')
  const challenges = new Set<string>()
  for (const account of [allowed, other])
    challenges.add(visible(await dial(account, '+4930123456', 'wrong')).replace(/nonce="[^"]+"/, ''))
  t.is(challenges.size, 1)
  t.regex([...challenges][0]!, /^SIP\/2\.0 407 /)
  for (const user of ['1001', '+0123', '+', "+49'", 'nobody']) t.is((await dial(allowed, user)).status, 404, user)
  const stranger = await phone.request('INVITE', { uri: `sip:+4930123456@${domainOf(allowed)}` })
  t.is(stranger.status, 407)
})

test('a name of digits that an extension has is the extension', async (t) => {
  const edge = await Edge.open(t)
  const account = await edge.account()
  await mayCall(edge, account)
  const callee = await edge.account(account.customer)
  for (const table of ['extensions', 'subscriber'])
    await edge.rows(
      `UPDATE ${table} SET username = '49301234567' WHERE ${table === 'extensions' ? 'id' : 'extension_id'} = ?`,
      callee.id,
    )
  const phone = await edge.client()
  const from = `<sip:${account.username}@${domainOf(account)}>`
  const dial = (user: string) =>
    arrives(edge, () => phone.authenticated('INVITE', { uri: `sip:${user}@${domainOf(account)}`, from }, account))
  t.regex((await dial('49301234567')).start, new RegExp(`extension\\.${callee.id}@`))
  t.regex((await dial('+49301234567')).start, new RegExp(`outbound\\.${account.id}@`))
})
