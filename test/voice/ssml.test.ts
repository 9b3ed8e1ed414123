import test from 'ava'
import { passages } from '../../src/voice/sentences.ts'
import { plainText } from '../../src/voice/ssml.ts'

const said = (text: string): string => plainText(text).replace(/\s+/g, ' ').trim()

test('of SSML the words are said, and no tag', (t) => {
  for (const [ssml, words] of [
    ['<speak>Hello <break time="500ms"/> world.</speak>', 'Hello world.'],
    [
      '<?xml version="1.0"?><!DOCTYPE speak><speak version="1.1" xml:lang="en-US"><p><s>One.</s><s>Two.</s></p></speak>',
      'One. Two.',
    ],
    [
      '<speak>A <emphasis level="strong">very</emphasis> good <prosody rate="slow" pitch=\'+2st\'>day</prosody></speak>',
      'A very good day',
    ],
    [
      '<speak><sub alias="World Wide Web">WWW</sub> and <sub alias=\'one & two\'>1+2</sub></speak>',
      'World Wide Web and one & two',
    ],
    ['Call <say-as interpret-as="telephone">0800 12</say-as> now', 'Call 0 8 0 0 1 2 now'],
    ['<say-as interpret-as="cardinal">42</say-as>', '42'],
    ['<speak>a<!-- not <this> -->b <![CDATA[x < y & <b>]]></speak>', 'ab x < y & <b>'],
    ['<speak><audio src="https://a.test/x>y.mp3"><desc>a bark</desc>woof</audio></speak>', 'woof'],
    [
      '<speak><amazon:effect name="whispered">psst</amazon:effect> <mstts:express-as style="sad">oh</mstts:express-as></speak>',
      'psst oh',
    ],
    ['<SPEAK>Loud</SPEAK>', 'Loud'],
  ] as const)
    t.is(said(ssml), words, ssml)
  t.regex(plainText('<speak>One<break/>Two</speak>'), /One\s*\n\s*Two/, 'a break is the end of a sentence')
})

test('broken markup loses its tags too, and text that only looks like it keeps all', (t) => {
  for (const [text, words] of [
    ['<speak>Hello <break time="1s', 'Hello'],
    ['<speak>Hello <break time="1s"', 'Hello'],
    ['<speak>Hello <emphasis>you</speak>', 'Hello you'],
    ['</prosody>Hello</speak></speak>', 'Hello'],
    ['<speak>Hello <break <emphasis>you', 'Hello you'],
    ['<speak><sub alias="x">never closed', 'x'],
    ['3 < 5 and 7 > 2', '3 < 5 and 7 > 2'],
    ['a <space> b', 'a <space> b'],
    ['I <3 you & me', 'I <3 you & me'],
    ['price <p', 'price'],
  ] as const)
    t.is(said(text), words, text)
})

test('escapes are read once, in SSML and out of it', (t) => {
  t.is(said('Tom &amp; Jerry'), 'Tom & Jerry')
  t.is(said('<speak>R&amp;D &lt;b&gt; &quot;x&apos; &#65;&#x42;</speak>'), 'R&D <b> "x\' AB')
  t.is(said('&amp;lt;'), '&lt;')
  t.is(said('AT&T; &bogus; &#0; &#xD800; &#9999999;'), 'AT&T; &bogus;')
  t.is(said('<speak>&lt;break/&gt;</speak>'), '<break/>')
})

test('ten thousand characters of anything are read in no time', (t) => {
  for (const piece of [
    '<',
    '<speak ',
    '<sub alias="',
    '<![CDATA[',
    '<!--',
    '&',
    '<break "',
    "<p '",
    '<say-as interpret-as=digits',
    '<desc>',
    '</',
    '<a:b ',
  ]) {
    const text = `<speak>${piece.repeat(10_000 / piece.length)}`
    const since = performance.now()
    plainText(text)
    t.true(performance.now() - since < 250, `${piece}: ${performance.now() - since} ms`)
  }
})

test('a long text becomes passages, the first hardly longer than its first sentence', (t) => {
  const text =
    'Welcome to the long message of our company. ' +
    'This is one more sentence of it, which goes on for a while. '.repeat(150)
  const all = passages(text)
  t.is(all[0], 'Welcome to the long message of our company.')
  t.true(all.length > 15 && all.every((passage) => passage.length <= 480))
  t.is(all.join(' '), text.trim())
  t.deepEqual(passages('Hello. How are you? Fine.'), ['Hello. How are you? Fine.'])
  t.deepEqual(passages('  \n '), [])
  t.is(passages(`Hi. ${'word '.repeat(60)}`)[0]!.startsWith('Hi. word'), true, 'the first is not too short')
  t.is(passages('x'.repeat(10_000)).join('').replaceAll(' ', ''), 'x'.repeat(10_000))
})
