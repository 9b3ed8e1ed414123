import { randomInt } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { id, makeFlow, type Action } from '../actions/support.ts'
import { activeflow, runs, type ActiveflowView } from '../support/flows.ts'
import { setUp, type Extension, type Setup } from '../support/setup.ts'
import type { Softphone } from '../support/softphone.ts'
import { timesSaid, transcriber } from '../support/speech.ts'
import { hearEachOther } from './support.ts'

const house = await transcriber()
test.after.always(() => house.close())

const talk = (text: string): Action => ({ type: 'talk', option: { text, voice_id: 'rms', digits_handle: 'next' } })
const prompts = {
  menu: 'Please press two for the support department.',
  hours: 'Our office is open from Monday morning until Friday afternoon.',
  message: 'There are several callers waiting in front of you.',
  end: 'Thank you very much for your call, and have a nice evening.',
}
const stop: Action = { type: 'stop' }

/** One for the extension, two for a flow of its own, three for a message; another key twice: goodbye. */
async function makeMenu(setup: Setup, extension: Extension): Promise<{ id: string; direct_uri: string }> {
  const opening = await makeFlow(setup, [talk(prompts.hours)])
  return makeFlow(setup, [
    { id: id(1), ...talk(prompts.menu) },
    { type: 'digits_receive', option: { length: 1, duration: 10_000 } },
    { type: 'branch', option: { target_ids: { 1: id(11), 2: id(12), 3: id(13) }, default_target_id: id(14) } },
    { id: id(11), type: 'connect', option: { destinations: [{ type: 'extension', target: extension.id }] } },
    stop,
    { id: id(12), type: 'fetch_flow', option: { flow_id: opening.id } },
    stop,
    { id: id(13), ...talk(prompts.message) },
    stop,
    { id: id(14), type: 'goto', option: { target_id: id(1), loop_count: 1 } },
    talk(prompts.end),
  ])
}

/** A number that leads to it, brought by a trunk of this machine. */
async function numberOf(setup: Setup, flow: { id: string }): Promise<string> {
  const number = `+99${randomInt(1e9, 1e10)}`
  const trunk = { domain_name: 'carrier.test', auth_types: ['ip'], allowed_ips: ['127.0.0.1'] }
  const made = [
    await setup.api('POST', '/numbers', { number, call_flow_id: flow.id }),
    await setup.api('POST', '/trunks', trunk),
  ]
  if (made.some(({ status }) => status !== 201)) throw new Error(`not made: ${JSON.stringify(made)}`)
  return `sip:${number}@sip.${setup.stack.site.baseDomain}`
}

/** Has heard the menu `times` times, and waits for a key. */
async function atMenu(setup: Setup, times: number): Promise<ActiveflowView> {
  const menu = ({ executed_actions }: ActiveflowView) =>
    executed_actions.filter(({ type }) => type === 'digits_receive').length === times
  return activeflow(setup, (view) => runs('digits_receive')(view) && menu(view))
}

/** The phone has heard each of the prompts so often, and the others never. */
async function hasHeard(t: ExecutionContext, phone: Softphone, times: Partial<typeof heardNone>): Promise<void> {
  const understood = await house.read(phone.heard(60))
  const said = Object.entries(prompts).map(([name, text]) => [name, timesSaid(text, understood)])
  t.deepEqual(Object.fromEntries(said), { ...heardNone, ...times }, understood)
}

const heardNone = { menu: 0, hours: 0, message: 0, end: 0 }

for (const way of ['its direct address', 'a number from a trunk']) {
  const called = async (setup: Setup, extension: Extension): Promise<Softphone> => {
    const flow = await makeMenu(setup, extension)
    const caller = await setup.stranger({ tone: 830 })
    await caller.dial(way === 'its direct address' ? flow.direct_uri : await numberOf(setup, flow))
    await atMenu(setup, 1)
    return caller
  }

  test(`a menu that is called by ${way} leads to an extension`, async (t) => {
    const setup = await setUp(t)
    const extension = await setup.extension()
    const phone = await setup.phone(extension, { tone: 1330 })
    const caller = await called(setup, extension)
    await hasHeard(t, caller, { menu: 1 })
    await caller.press('1')
    await phone.answer()
    await hearEachOther(t, caller, phone)
  })

  test(`a menu that is called by ${way} leads to another flow, and back to its end`, async (t) => {
    const setup = await setUp(t)
    const caller = await called(setup, await setup.extension())
    await caller.press('2')
    await caller.closed()
    await hasHeard(t, caller, { menu: 1, hours: 1 })
  })

  test(`a menu that is called by ${way} is heard again after a wrong key, once`, async (t) => {
    const setup = await setUp(t)
    const caller = await called(setup, await setup.extension())
    await caller.press('9')
    await atMenu(setup, 2)
    await caller.press('0')
    await caller.closed()
    await hasHeard(t, caller, { menu: 2, end: 1 })
  })

  test(`a menu that is called by ${way} leads to a message, after a wrong key too`, async (t) => {
    const setup = await setUp(t)
    const caller = await called(setup, await setup.extension())
    await caller.press('*')
    await atMenu(setup, 2)
    await caller.press('3')
    await caller.closed()
    await hasHeard(t, caller, { menu: 2, message: 1 })
  })
}
