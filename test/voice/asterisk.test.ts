import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import test from 'ava'
import { WebSocket } from 'ws'
import { Media } from '../../src/voice/media.ts'
import { join, type Pcm } from '../../src/voice/pcm.ts'
import { sharedStack } from '../support/setup.ts'
import { share } from '../support/tone.ts'
import { never, tone } from './support.ts'

async function* stream(...sounds: Pcm[]): AsyncGenerator<Pcm> {
  yield* sounds
}

test('a real Asterisk carries speech from one channel to another, and barge-in makes silence', async (t) => {
  const stack = await sharedStack()
  const { username, password, host } = new URL(stack.ariUrl)
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const app = `media-${randomUUID()}`
  const events = new WebSocket(`ws://${host}/ari/events?app=${app}`, { headers: { authorization } })
  t.teardown(() => events.terminate())
  await once(events, 'open')
  const started = (id: string) =>
    new Promise<void>((resolve) =>
      events.on('message', (data: Buffer) => {
        const event = JSON.parse(data.toString())
        if (event.type === 'StasisStart' && event.channel.id === id) resolve()
      }),
    )
  const ari = async (path: string, query: Record<string, string>) => {
    const url = `http://${host}/ari/${path}?${new URLSearchParams(query).toString()}`
    const response = await fetch(url, { method: 'POST', headers: { authorization } })
    const text = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }
  const channel = async (format: string, onSound: (sound: Pcm) => void) => {
    const id = randomUUID()
    const ready = started(id)
    const how = { external_host: 'INCOMING', transport: 'websocket', connection_type: 'server', encapsulation: 'none' }
    const made = await ari('channels/externalMedia', { app, channelId: id, format, ...how })
    const url = `ws://${host}/media/${made.channelvars.MEDIA_WEBSOCKET_CONNECTION_ID}`
    const media = await Media.open({ url, onSound, signal: never() })
    t.teardown(() => media.close())
    await ready
    return { id, media }
  }

  const heard: Int16Array[] = []
  const [speaker, listener] = [
    await channel('slin16', () => undefined),
    await channel('ulaw', (sound) => heard.push(sound.samples)),
  ]
  t.is(listener.media.rate, 8000)
  const bridge = await ari('bridges', { type: 'mixing' })
  t.teardown(() => fetch(`http://${host}/ari/bridges/${bridge.id}`, { method: 'DELETE', headers: { authorization } }))
  await ari(`bridges/${bridge.id}/addChannel`, { channel: `${speaker.id},${listener.id}` })

  await speaker.media.say(stream(tone(440, 24_000, 1)), never())
  const samples = join(heard.splice(0)).slice(800, 7200)
  t.is(samples.length, 6400)
  t.true(share({ rate: 8000, samples }, 440) > 0.95)

  const bargeIn = new AbortController()
  setTimeout(() => bargeIn.abort(new Error('the caller speaks')), 300)
  await t.throwsAsync(speaker.media.say(stream(tone(440, 16_000, 5)), bargeIn.signal), { message: 'the caller speaks' })
  await speaker.media.say(stream(tone(880, 16_000, 0.5)), never())
  const after = join(heard)
  t.true(after.length < 8000 * 1.3, `${after.length} samples`)
  t.true(share({ rate: 8000, samples: after.slice(-3200, -400) }, 880) > 0.9)
})
