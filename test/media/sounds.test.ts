import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import { Sounds } from '../../src/media/sounds.ts'
import { Decoder } from '../../src/voice/decoder.ts'
import { Prompts } from '../../src/voice/prompts.ts'
import { Web } from '../../src/web.ts'
import { wav } from '../../src/voice/wav.ts'
import { readWav, share } from '../support/tone.ts'
import { folder, never, tone, voice } from '../voice/support.ts'

/** The sounds of a process, and a web server that answers `answer`, with how often it was asked. */
async function open(t: ExecutionContext, answer: (response: ServerResponse) => void) {
  const place = await folder(t)
  const prompts = await Prompts.open({ folder: place, bytes: 1e9 })
  const decoder = new Decoder()
  t.teardown(() => decoder.close())
  const server = createServer((_request, response) => {
    asked++
    answer(response)
  }).listen(0, '127.0.0.1')
  let asked = 0
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const sounds = new Sounds(prompts, voice(t), decoder, new Web(['127.0.0.1']), 'http://here')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`
  const heard = async (media: string) => readWav((await prompts.find(/[0-9a-f]{64}/.exec(media)![0], 'wav'))!)
  return { sounds, url, heard, place, asked: () => asked }
}

test('a sound of 19 MB is made ready without holding the event loop', async (t) => {
  const big = wav(tone(700, 16_000, 595))
  t.true(big.length > 19_000_000)
  const { sounds, url, heard } = await open(t, (response) => response.end(big))
  sounds.decoder.warmUp()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const media = await sounds.fetch(url, never())
  delay.disable()
  const { rate, samples } = await heard(media)
  t.is(Math.round(samples.length / rate), 595)
  t.true(share({ rate, samples: samples.subarray(0, 16_000) }, 700) > 0.98)
  // A machine that does other things too takes the processor away for a while; done here it stands still for seconds.
  t.true(delay.percentile(90) / 1e6 < 50, `${delay.percentile(90) / 1e6} ms`)
  t.true(delay.max / 1e6 < 1000, `${delay.max / 1e6} ms`)
})

test('a sound that many calls want at once is fetched once, and what was packed is unpacked', async (t) => {
  const file = gzipSync(wav(tone(500, 8000, 1)))
  const { sounds, url, heard, place, asked } = await open(t, (response) =>
    response.writeHead(206, { 'content-encoding': 'gzip', 'content-type': 'text/plain' }).end(file),
  )
  const all = await Promise.all(Array.from({ length: 20 }, () => sounds.fetch(url, never())))
  t.is(new Set(all).size, 1)
  t.is(asked(), 1)
  t.true(share(await heard(all[0]!), 500) > 0.98)
  await sounds.fetch(url, never())
  t.is(asked(), 1, 'it is remembered for a minute')
  t.deepEqual(
    (await readdir(place)).filter((name) => name.endsWith('.unfinished')),
    [],
  )
})

test('what is too large, too long or no sound leaves nothing behind', async (t) => {
  const silence = gzipSync(wav({ samples: new Int16Array(11_000_000), rate: 8000 }))
  const long = wav({ samples: new Int16Array(1_000_000), rate: 1_000 })
  const cases: [(response: ServerResponse) => void, RegExp][] = [
    [(response) => response.setHeader('content-encoding', 'gzip').end(silence), /more than 20000000 bytes/],
    [(response) => response.end(long), /a prompt may last 600 s/],
    [(response) => response.end('<html></html>'), /not a WAV file.*HTML/],
    [(response) => response.writeHead(404).end(), /the server answered 404/],
    [(response) => response.writeHead(200, { 'content-length': 99 }).write('RIFF', () => response.destroy()), /./],
  ]
  for (const [answer, why] of cases) {
    const { sounds, url, place } = await open(t, answer)
    const error = await t.throwsAsync(sounds.fetch(url, never()), undefined, String(why))
    t.regex(error.message, why)
    t.deepEqual(await readdir(place), ['secret'], String(why))
  }
})
