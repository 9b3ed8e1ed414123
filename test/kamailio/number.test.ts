import { randomInt } from 'node:crypto'
import test from 'ava'
import { header } from '../support/sip.ts'
import { arrives, makeNumber, makeTrunk } from './numbers.ts'
import { base, Edge, visible } from './edge.ts'

const international = (digits: string): string[] => [
  `+${digits}`,
  `00${digits}`,
  digits,
  `+${digits.slice(0, 2)}-${digits.slice(2, 5)}-${digits.slice(5)}`,
  `+${digits.slice(0, 2)}.(${digits.slice(2, 5)}).${digits.slice(5)}`,
  `%2B${digits}`,
  `+${digits.slice(0, 4)}%20${digits.slice(4)}`,
  `+${digits};npdi`,
]

test('a trunk may write a number in each usual way, at our domain and at an address of the edge', async (t) => {
  const edge = await Edge.open(t)
  const { customer } = await edge.account()
  await makeTrunk(edge, customer, { network: '127.0.16.1' })
  const { id, number } = await makeNumber(edge, customer)
  const carrier = await edge.client('127.0.16.1')
  const hosts = [`sip.${base}`, `127.0.0.1:${edge.port}`, '127.0.0.1']
  const written = international(number.slice(1))
  const uris = [
    ...written.map((user) => `sip:${user}@${hosts[0]}`),
    ...hosts.slice(1).flatMap((host) => [0, 1, 2, 3].map((n) => `sip:${written[n]}@${host}`)),
    `sip:${number}@127.0.0.1:${edge.port};user=phone`,
    `sip:${number}@127.0.0.1:${edge.port};transport=udp`,
    `tel:${number}`,
    `tel:${written[3]}`,
  ]
  for (const uri of uris) {
    const { start } = await arrives(edge, () => carrier.request('INVITE', { uri, to: `<sip:${number}@${base}>` }))
    t.is(start, `INVITE sip:number.${id}@127.0.0.1:${edge.asterisk.port} SIP/2.0`, uri)
  }
})

test('what is no number of the trunk is 404 wherever it is called; a stranger is challenged at the address too', async (t) => {
  const edge = await Edge.open(t)
  const { customer } = await edge.account()
  await makeTrunk(edge, customer, { network: '127.0.16.2' })
  const { number } = await makeNumber(edge, customer)
  const carrier = await edge.client('127.0.16.2')
  for (const user of ['1001', '+0123456', '+99', 'a'.repeat(300), `${number}%27--`, `${number}%00`, '+'])
    for (const host of [`sip.${base}`, `127.0.0.1:${edge.port}`]) {
      const answer = await carrier.request('INVITE', { uri: `sip:${user}@${host}` })
      t.is(answer.status, 404, `${user}@${host}`)
    }
  const stranger = await edge.client('127.0.16.3')
  for (const uri of [`sip:${number}@127.0.0.1:${edge.port}`, `sip:+${randomInt(1e9)}@127.0.0.1`])
    t.is((await stranger.request('INVITE', { uri })).status, 407, uri)
})

test('anyone may call a direct address at an address of the edge; an unknown one is the same 404 there', async (t) => {
  const edge = await Edge.open(t)
  const { id, hash } = await edge.account()
  const caller = await edge.client('127.0.16.4')
  for (const uri of [`sip:direct.${hash}@127.0.0.1:${edge.port}`, `sip:direct.${hash}@127.0.0.1;user=phone`]) {
    const { start } = await arrives(edge, () => caller.request('INVITE', { uri }))
    t.is(start, `INVITE sip:extension.${id}@127.0.0.1:${edge.asterisk.port} SIP/2.0`)
  }
  const answers = new Set<string>()
  for (const user of [`direct.${hash.replace(/./g, '0')}`, `direct.${hash.toUpperCase()}a`, `extension.${id}`])
    answers.add(visible(await caller.request('INVITE', { uri: `sip:${user}@127.0.0.1:${edge.port}` })))
  t.is(answers.size, 1, [...answers].join())
})

test('the identity that a trunk asserts reaches Asterisk; that of a stranger does not', async (t) => {
  const edge = await Edge.open(t)
  const { customer, direct } = await edge.account()
  await makeTrunk(edge, customer, { network: '127.0.16.5' })
  const { number } = await makeNumber(edge, customer)
  const client = await edge.client('127.0.16.5')
  const asserted = '<sip:+4930123@carrier.test>'
  const extra = [`P-Asserted-Identity: ${asserted}`, `Remote-Party-ID: ${asserted}`, 'Privacy: id']
  const from = '"Anonymous" <sip:anonymous@anonymous.invalid>'
  const call = (uri: string) => arrives(edge, () => client.request('INVITE', { uri, from, extra }))
  const fromTrunk = await call(`sip:${number}@sip.${base}`)
  t.is(header(fromTrunk, 'p-asserted-identity'), asserted)
  t.is(header(fromTrunk, 'remote-party-id'), '')
  t.notRegex((await call(direct)).text, /4930123/)
})
