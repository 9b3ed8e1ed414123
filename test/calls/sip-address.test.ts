import test from 'ava'
import { nextHop } from '../../src/calls/next-hop.ts'
import { parseSipAddress, placeOf, wrongAddress } from '../../src/calls/sip-address.ts'
import { Web } from '../../src/web.ts'

const base = 'hashdial.test'
const [own, foreign] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']

test('an address is called as it is understood: host in lower case, without a trailing dot', (t) => {
  for (const [text, uri] of [
    ['sip:alice@Example.COM', 'sip:alice@example.com'],
    ['SIP:alice@example.com.', 'sip:alice@example.com'],
    ['sips:alice@example.com:5061;transport=TLS', 'sips:alice@example.com:5061;transport=tls'],
    ['sip:+4930123;npdi@example.com', undefined],
    ['sip:+4930123@example.com;user=phone', 'sip:+4930123@example.com;user=phone'],
    ['sip:a%20b@[2001:DB8::1]:5080', 'sip:a%20b@[2001:db8::1]:5080'],
  ] as const)
    t.is(parseSipAddress(text)?.uri, uri, text)
})

test('what would send a call elsewhere than its host says is no address', (t) => {
  for (const text of [
    ...['sip:x@h;maddr=192.0.2.1', 'sip:x@h;lr', 'sip:x@h;LR', 'sip:x@h?Route=%3Csip:192.0.2.1%3E', 'sip:x:y@h'],
    ...['sip:x@h;received=192.0.2.1', 'sip:x@h;alias=192.0.2.1~5060~1', 'sip:x@h;transport=ws', 'sip:x@a@h', 'sip:x@'],
    ...[
      'sip:h',
      'sip:@h',
      'sip:x@h%2eexample',
      'sip:x@h/y',
      'sip:x@h\\y',
      'sip:x@h:0',
      'sip:x@h:65536',
      'sip:x@h:5060:1',
    ],
    ...[
      'sip:x@h,sip:y@h',
      'sip:x y@h',
      'sip:x@h\r\nFrom: y',
      '<sip:x@h>',
      'tel:+4930',
      'sip:x@[::1',
      'sip:x@[127.0.0.1]',
    ],
    ...['sip:x@..', 'sip:x@h..', 'sip:x@.h', 'sip:"x"@h', `sip:${'x'.repeat(129)}@h`, 'sip:x@h\0', 'sip:x@ⓗ'],
  ])
    t.is(parseSipAddress(text), undefined, text)
})

test('a domain of another customer is foreign however it is written, and its own is not', (t) => {
  for (const kind of ['registrar', 'trunk']) {
    for (const host of [
      `${foreign}.${kind}.${base}`,
      `${kind}.${base}`,
      `x.${own}.${kind}.${base}`,
      `x.${kind}.${base}`,
    ])
      for (const text of [host, host.toUpperCase(), `${host}.`, `${host}:5060`, `${host};transport=tcp`])
        t.truthy(wrongAddress(`sip:+1900@${text}`, own, base), text)
    t.is(wrongAddress(`sip:+1900@${own.toUpperCase()}.${kind}.${base}.`, own, base), undefined)
    t.is(placeOf(`${own}.${kind}.${base}`, own, base), 'own')
  }
  t.is(placeOf(`sip.${base}`, own, base), 'public')
  for (const host of ['example.com', base, `pbx.${base}`, `registrar.${base}.example.com`, `x${kindOf(base)}`])
    t.is(placeOf(host, own, base), 'outside', host)
})

const kindOf = (domain: string): string => `registrar.${domain}`

test('outside is what is public, or what the operator allows; it is handed on as an address', async (t) => {
  const next = (text: string, allowed: string[] = []) => nextHop(new Web(allowed), parseSipAddress(text)!)
  t.is(await next('sip:x@8.8.8.8'), '8.8.8.8:5060/udp')
  t.is(await next('sip:x@8.8.8.8:5080;transport=tcp'), '8.8.8.8:5080/tcp')
  t.is(await next('sips:x@[2606:4700::1111]'), '[2606:4700::1111]:5061/tls')
  for (const host of [
    '127.0.0.1',
    '10.1.2.3',
    '192.168.0.1',
    '169.254.169.254',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
  ])
    t.is(await next(`sip:x@${host}:5080`), undefined, host)
  for (const host of ['localhost', '2130706433', '0x7f.1', '127.1', 'no-such-name.invalid'])
    t.is(await next(`sip:x@${host}:5080`), undefined, host)
  t.is(await next('sip:x@127.0.0.1:5080', ['127.0.0.1']), '127.0.0.1:5080/udp')
  t.is(await next('sip:x@localhost:5080', ['127.0.0.1']), '127.0.0.1:5080/udp')
})
