import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { ensureModels } from '../src/stack/models.ts'
import { becomesTrue } from '../src/stack/shell.ts'
import { startStack, type Stack } from '../src/stack/stack.ts'
import { collect, join, type Pcm } from '../src/voice/pcm.ts'
import { resample } from '../src/voice/resample.ts'
import { makeAi } from '../test/conversation/support.ts'
import { flow } from '../test/support/flows.ts'
import { RealtimeServer } from '../test/support/realtime.ts'
import type { Setup } from '../test/support/setup.ts'
import { Speaker } from '../test/support/speaker.ts'
import { ports } from './load.ts'
import { processorMsOf } from './processes.ts'
import { quantile, withSetup } from './setup.ts'

const turns = 20
const crowd = 20
const story = 'Once upon a time there was a gardener who had a rose that never faded. '.repeat(12)

/** Conversations with AIs, measured at the caller's ear; the sound of the callers is synthetic, and so are the models. */
export async function benchVoice(): Promise<void> {
  await ensureModels(console.log)
  const env = { HASHDIAL_FETCH_PRIVATE: '127.0.0.1' }
  const stack = await startStack({ name: 'bench-voice', ports, fresh: true, env, progress: console.log })
  try {
    const floor = await withSetup(stack, 'echo', (setup, t) => echo(setup, t))
    tell('Echo() of Asterisk, from the mouth to the ear', floor)
    for (const count of [1, crowd])
      tell(
        `own share, speech to speech, ${count} at once, beyond Echo()`,
        await ownShares(stack, count, quantile(floor, 0.5)),
      )
    await withSetup(stack, 'keyless', async (setup, t) => tell('without a key, end to end', await keyless(setup, t)))
    await withSetup(stack, 'interruptions', (setup, t) => interruptions(setup, t))
  } finally {
    await stack.stop()
  }
}

function tell(what: string, times: number[]): void {
  const sorted = [...times].sort((one, other) => one - other)
  const at = (part: number) => quantile(sorted, part).toFixed(0)
  console.log(`${what}: median ${at(0.5)} ms, p95 ${at(0.95)}, p99 ${at(0.99)} (n = ${times.length})`)
}

/** When something that is said begins, and ends, to be loud, in milliseconds. */
function edges({ samples, rate }: Pcm): { begin: number; end: number } {
  const isLoud = (sample: number) => Math.abs(sample) > 500
  return { begin: (samples.findIndex(isLoud) * 1_000) / rate, end: (samples.findLastIndex(isLoud) * 1_000) / rate }
}

async function spoken(caller: Speaker, text: string, voice: string): Promise<Pcm> {
  const signal = new AbortController().signal
  return resample(await collect(caller.voice.tts().synthesize(text, { voice, signal })), 8_000)
}

async function echo(setup: Setup, t: ExecutionContext): Promise<number[]> {
  const caller = await Speaker.call(t, setup, await flow(setup, [['echo', { duration: 120_000 }]]))
  const beep = { rate: 8_000, samples: Int16Array.from({ length: 1_600 }, (_, at) => 9_000 * Math.sin(at / 2)) }
  const times: number[] = []
  for (let turn = 0; turn < turns; turn++) {
    await sleep(300 + Math.random() * 100)
    const since = performance.now()
    await caller.play(beep)
    await becomesTrue(2_000, () => caller.firstSoundAt(since) !== undefined)
    const at = caller.firstSoundAt(since)
    // A packet of 20 ms is sent when its sound would have been spoken.
    if (at !== undefined) times.push(at - since)
  }
  await caller.hangup()
  return times
}

/** From the end of speech, as the server tells it, to the ear: less what the server took, and less the way through Asterisk. */
async function ownShares(stack: Stack, count: number, floor: number): Promise<number[]> {
  return withSetup(stack, `share ${count}`, async (setup, t) => {
    const before = processorMsOf(stack.part('hashdial').pid!)
    const began = performance.now()
    const all = await Promise.all(Array.from({ length: count }, () => shares(setup, t, Math.ceil((2 * turns) / count))))
    const seconds = ((performance.now() - began) / 1_000) * count
    const used = processorMsOf(stack.part('hashdial').pid!) - before
    console.log(`  Hashdial takes ${(used / seconds).toFixed(1)} ms of processor for a second of conversation`)
    return all.flat().map((ms) => ms - floor)
  })
}

async function shares(setup: Setup, t: ExecutionContext, rounds: number): Promise<number[]> {
  const answer = () => ({ text: 'Yes.', tone: 700, seconds: 0.4 })
  const server = await RealtimeServer.start(t, { dialect: 'ga', audio: 'pcmu', answer })
  const more = { engine_type: 'realtime', engine_model: 'custom.bench', engine_url: server.url }
  const ai = await makeAi(setup, { ...more, parameter: { dialect: 'ga', audio: 'pcmu' }, greeting: '' })
  const caller = await Speaker.call(t, setup, ai.direct_uri)
  const question = await spoken(caller, 'When are you open, please?', 'awb')
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    await sleep(500 + Math.random() * 500)
    const since = performance.now()
    await caller.play(question)
    await becomesTrue(5_000, () => caller.firstSoundAt(since) !== undefined)
    const ear = caller.firstSoundAt(since)
    const { stopped, asked, sounded } = server.times.at(-1) ?? {}
    if (ear !== undefined && stopped && asked && sounded) times.push(ear - stopped - (sounded - asked))
    await becomesTrue(5_000, () => performance.now() - caller.lastSoundAt > 300)
  }
  await caller.hangup()
  return times
}

/** From the last sample of the question to the first of the answer, with Moonshine, flite and rules. */
async function keyless(setup: Setup, t: ExecutionContext): Promise<number[]> {
  const rules = [{ when: ['open'], say: 'We are open from nine to five. Do you want to know more?' }]
  const ai = await makeAi(setup, { parameter: { rules, otherwise: 'Sorry, I did not understand that.' }, greeting: '' })
  const caller = await Speaker.call(t, setup, ai.direct_uri)
  const question = await spoken(caller, 'When are you open, please?', 'awb')
  const { end } = edges(question)
  const times: number[] = []
  for (let turn = 0; turn < turns; turn++) {
    await sleep(1_000 + Math.random() * 500)
    const since = performance.now()
    await caller.play(question)
    await becomesTrue(8_000, () => caller.firstSoundAt(since + end) !== undefined)
    const ear = caller.firstSoundAt(since + end)
    if (ear !== undefined) times.push(ear - since - end)
    await becomesTrue(8_000, () => performance.now() - caller.lastSoundAt > 800)
  }
  await caller.hangup()
  return times
}

interface Overlap {
  name: string
  interrupts: boolean
  sound(caller: Speaker): Promise<Pcm>
}

const says = (text: string, voice: string, interrupts: boolean): Overlap => ({
  ...{ name: `${text} (${voice})`, interrupts },
  sound: (caller) => spoken(caller, text, voice),
})

const noise = (name: string, seconds: number, shape: (at: number) => number): Overlap => ({
  ...{ name, interrupts: false },
  sound: async () => ({
    rate: 8_000,
    samples: Int16Array.from({ length: seconds * 8_000 }, (_, at) => 8_000 * shape(at) * (Math.random() * 2 - 1)),
  }),
})

const overlaps: Overlap[] = [
  ...['rms', 'awb', 'kal16'].flatMap((voice) => [
    ...['Yeah.', 'Okay.', 'Right.', 'Uh huh.'].map((text) => says(text, voice, false)),
    ...['Stop it, when are you open?', 'No, I want something else.', 'Wait a moment, please.'].map((text) =>
      says(text, voice, true),
    ),
  ]),
  noise('a cough', 0.3, (at) => Math.exp(-at / 600)),
  noise('a click', 0.02, () => 1),
  noise('white noise', 1, () => 0.3),
]

/** Speech over that of the AI: real interruptions make silence soon, and anything else is talked through. */
async function interruptions(setup: Setup, t: ExecutionContext): Promise<void> {
  const ai = await makeAi(setup, {
    parameter: { rules: [], otherwise: story },
    greeting: story,
    vad_config: { protect: 0 },
  })
  const results: { overlap: Overlap; silentAfter: number | undefined }[] = []
  for (const overlap of overlaps)
    for (let round = 0; round < 2; round++)
      results.push({ overlap, silentAfter: await overlapped(setup, t, ai.direct_uri, overlap) })
  const real = results.filter(({ overlap }) => overlap.interrupts)
  const others = results.filter(({ overlap }) => !overlap.interrupts)
  const obeyed = real.filter(({ silentAfter }) => silentAfter !== undefined)
  tell(
    'real interruption, from the first sound of speech to silence at the ear',
    obeyed.map(({ silentAfter }) => silentAfter!),
  )
  const part = (some: number, of: number) => `${some} of ${of} (${(some / of).toFixed(2)})`
  console.log(`real interruptions obeyed: ${part(obeyed.length, real.length)}`)
  const through = others.filter(({ silentAfter }) => silentAfter === undefined)
  console.log(`"mm-hm", coughs and noise talked through: ${part(through.length, others.length)}`)
  for (const { overlap, silentAfter } of results)
    if ((silentAfter !== undefined) !== overlap.interrupts) console.log(`  not so: ${overlap.name}`)
}

/** Milliseconds from the first sound of what the caller says to a silence that lasts; undefined: the AI talks on. */
async function overlapped(
  setup: Setup,
  t: ExecutionContext,
  uri: string,
  overlap: Overlap,
): Promise<number | undefined> {
  const caller = await Speaker.call(t, setup, uri)
  await becomesTrue(10_000, () => caller.heard().samples.length > 2 * 8_000)
  await sleep(Math.random() * 500)
  const sound = await overlap.sound(caller)
  const { begin } = edges(sound)
  const since = performance.now() + begin
  const [, gap] = await Promise.all([
    caller.play({ ...sound, samples: join([sound.samples, new Int16Array(160)]) }),
    gapAfter(caller, since),
  ])
  await caller.hangup()
  return gap
}

/** A silence of 900 ms that begins within 2 s (tau-voice): when it began. A pause that is decided against is shorter. */
async function gapAfter(caller: Speaker, since: number): Promise<number | undefined> {
  const isSilent = await becomesTrue(3_500, () => {
    const now = performance.now()
    return now - since > 900 && now - caller.lastSoundAt > 900
  })
  return isSilent ? Math.max(0, caller.lastSoundAt - since) : undefined
}
