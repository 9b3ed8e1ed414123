import { Dice } from './dice.ts'
import { notSip, validMessage, type FuzzTarget } from './fuzz-messages.ts'

/** Case number `index` of this seed: the same bytes each time. */
export function fuzzCase(seed: number, index: number, target: FuzzTarget): Buffer {
  const dice = new Dice(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b))
  if (index < notSip.length) return notSip[index]!
  if (dice.chance(0.05)) return mutated(dice, dice.pick(notSip))
  return mutated(dice, validMessage(dice, target))
}

/** With something wrong in most of them, and several things in some. */
function mutated(dice: Dice, message: Buffer): Buffer {
  let bytes = message
  for (let times = dice.pick([0, 1, 1, 1, 1, 2, 2, 3, 5]); times > 0; times--) {
    bytes = dice.pick(dice.chance(0.6) ? lineMutations : byteMutations)(dice, bytes)
  }
  return bytes.subarray(0, 65_000)
}

type Mutation = (dice: Dice, message: Buffer) => Buffer

const nasty = [
  ...[
    '',
    ' ',
    '\t',
    '"',
    '""',
    '<',
    '>',
    '<>',
    '<<>>',
    ',',
    ';',
    ';;',
    '=',
    ':',
    '@',
    '\\',
    '%',
    '%00',
    '%zz',
    '%s%n%p',
  ],
  ...[
    '\0',
    '\xff',
    '\xc3',
    '\xc3\x28',
    '\xed\xa0\x80',
    '\x7f',
    '\r',
    '\n',
    '\r\n ',
    '\r\n\t',
    '\r\n\r\n',
    '*',
    '(',
    '((',
    '()',
  ],
  ...[
    '0',
    '-1',
    '256',
    '65536',
    '2147483648',
    '4294967295',
    '4294967296',
    '18446744073709551616',
    '9'.repeat(100),
    '1e9',
  ],
  ...[
    'sip:',
    'sip:@',
    'sip::@:',
    'sip:[',
    'sip:[::1',
    'sip:[::1]:99999',
    'sip:a@b;lr;lr=',
    'tel:',
    "' OR 1=1 --",
    '$(id)',
  ],
  ...[
    'x'.repeat(300),
    'x'.repeat(5000),
    ';a'.repeat(500),
    '<sip:a@b>,'.repeat(200),
    '"\\'.repeat(200),
    '[1]'.repeat(99),
  ],
]

const spliced = (bytes: Buffer, at: number, remove: number, add: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, at), add, bytes.subarray(at + remove)])

const byteMutations: readonly Mutation[] = [
  (dice, bytes) => bytes.subarray(0, dice.below(bytes.length + 1)),
  (dice, bytes) => bytes.subarray(dice.below(Math.min(bytes.length, 40) + 1)),
  (dice, bytes) => spliced(bytes, dice.below(bytes.length + 1), 1 + dice.below(8), Buffer.alloc(0)),
  (dice, bytes) => spliced(bytes, dice.below(bytes.length + 1), 0, Buffer.from(dice.pick(nasty), 'latin1')),
  (dice, bytes) => spliced(bytes, dice.below(bytes.length + 1), 1, Buffer.from([dice.below(256)])),
  (_dice, bytes) => Buffer.concat([bytes, bytes]),
  (dice, bytes) => {
    const [from, length] = [dice.below(bytes.length + 1), 1 + dice.below(40)]
    return spliced(bytes, from, 0, bytes.subarray(from, from + length))
  },
]

/** A mutation of one header line or of the first one. */
function onLine(change: (dice: Dice, line: string, lines: string[]) => string[]): Mutation {
  return (dice, bytes) => {
    const lines = bytes.toString('latin1').split('\r\n')
    const at = dice.below(Math.max(1, lines.length - 1))
    lines.splice(at, 1, ...change(dice, lines[at] ?? '', lines))
    return Buffer.from(lines.join('\r\n'), 'latin1')
  }
}

const [name, value] = [(line: string) => line.split(':')[0] ?? '', (line: string) => line.slice(line.indexOf(':') + 1)]
const compact: Record<string, string> = {
  ...{ Via: 'v', From: 'f', To: 't', 'Call-ID': 'i', Contact: 'm', 'Content-Length': 'l', 'Content-Type': 'c' },
  ...{ Supported: 'k', Subject: 's', Event: 'o', 'Refer-To': 'r', 'Session-Expires': 'x' },
}

const lineMutations: readonly Mutation[] = [
  onLine(() => []),
  onLine((_dice, line) => [line, line]),
  onLine((dice, line) => Array<string>(2 + dice.below(100)).fill(line)),
  onLine((dice, line, lines) => [line, dice.pick(lines)]),
  onLine((dice, line) => [`${name(line)}: ${dice.pick(nasty)}`]),
  onLine((dice, line) => [`${line}${dice.pick(nasty)}`]),
  onLine((dice, line) => [line.replace(/\d+/, () => dice.pick(nasty.slice(35, 45)))]),
  onLine((dice, line) => [line.replace(/(?<=[=:@;<" ])/, () => dice.pick(nasty))]),
  onLine((_dice, line) => [`${compact[name(line)] ?? name(line).toUpperCase()}:${value(line)}`]),
  onLine((_dice, line) => [line.replace(': ', ' \t:  ').replace(/ (?=\S+$)/, '\r\n \t')]),
  onLine((_dice, line) => [line.replace(/[>"]/, '')]),
  onLine((dice, line) => [
    line.replace('SIP/2.0', dice.pick(['SIP/7.0', 'sip/2.0', 'SIP/2', 'HTTP/1.1', 'SIP/2.0.0', ''])),
  ]),
  onLine((_dice, line) => [line.split('').join('\0')]),
  onLine((dice, line) => [
    line,
    `${dice.pick(['X', 'Via', 'Route', 'Content-Length', 'To', ''])}: ${dice.pick(nasty)}`,
  ]),
]
