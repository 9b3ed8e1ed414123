import Joi from 'joi'
import { HashdialError } from '../errors.ts'
import { knownProviders, partsOf } from './llm-providers.ts'
import { realtimeProviders } from './realtime-protocol.ts'
import type { AiRow, TeamRow } from './row.ts'
import { script } from './scripted.ts'
import { toolNames } from './tool.ts'
import type { Stt, Tts } from '../voice/speech.ts'

export interface Problem {
  field: string
  problem: string
}

interface Speech {
  tts(name: string): Tts
  stt(name: string): Stt
}

const modelParameter = Joi.object({
  temperature: Joi.number().min(0).max(2),
  top_p: Joi.number().min(0).max(1),
  max_tokens: Joi.number().integer().min(1).max(8_192),
  reasoning_effort: Joi.valid('none', 'minimal', 'low', 'medium', 'high'),
})

const realtimeParameter = Joi.object({
  temperature: Joi.number().min(0).max(2),
  dialect: Joi.valid('ga', 'flat'),
  audio: Joi.valid('pcmu', 'pcm24', 'pcm16'),
  server_turns: Joi.boolean(),
})

const knownUrls: Readonly<Record<string, string>> = knownProviders
const realtimeUrls = Object.fromEntries(Object.entries(realtimeProviders).map(([name, { url }]) => [name, url]))

/** What is wrong with an AI as a whole; `speech` knows who speaks and understands. */
export function checkAi(ai: AiRow, speech?: Speech): Problem[] {
  // Of speech to speech the voices and languages are the server's to know.
  const isOurSpeech = speech && ai.engine_type !== 'realtime'
  return [...checkEngine(ai), ...checkParameter(ai), ...(isOurSpeech ? checkSpeech(ai, speech) : []), ...checkTools(ai)]
}

function checkEngine({ engine_type, engine_model, engine_url }: AiRow): Problem[] {
  if (engine_type === 'scripted') return []
  const { provider } = partsOf(engine_model)
  const known = engine_type === 'realtime' ? realtimeUrls : knownUrls
  const names = Object.keys(known).join(', ')
  if (engine_model === '')
    return [{ field: 'engine_model', problem: `is missing: <provider>.<model>, with one of ${names}` }]
  if (!Object.hasOwn(known, provider))
    return [{ field: 'engine_model', problem: `there is no provider "${provider.slice(0, 40)}": use one of ${names}` }]
  const isUrlMissing = known[provider] === '' && engine_url === ''
  return isUrlMissing
    ? [{ field: 'engine_url', problem: `is missing: the provider ${provider} is wherever it says` }]
    : []
}

function checkParameter({ engine_type, parameter }: AiRow): Problem[] {
  const schema = { scripted: script, pipeline: modelParameter, realtime: realtimeParameter }[engine_type]
  const { error } = schema.validate(parameter, { abortEarly: false, errors: { label: false } })
  return (error?.details ?? []).map(({ path, message }) => ({
    ...{ field: ['parameter', ...path].join('.'), problem: message.trim() },
  }))
}

function checkSpeech({ tts_type, tts_voice_id, stt_type, stt_language }: AiRow, speech: Speech): Problem[] {
  const language = stt_language || undefined
  return [
    ...problemOf('tts_type', () => speech.tts(tts_type).check({ voice: tts_voice_id || undefined, language })),
    ...problemOf('stt_type', () => speech.stt(stt_type).check({ language })),
  ]
}

const fieldOf: Readonly<Record<string, string>> = { VOICE_UNKNOWN: 'tts_voice_id', LANGUAGE_UNKNOWN: 'stt_language' }

function problemOf(field: string, check: () => void): Problem[] {
  try {
    check()
    return []
  } catch (error) {
    if (!(error instanceof HashdialError)) throw error
    return [{ field: fieldOf[error.reason] ?? field, problem: error.message }]
  }
}

/** What an AI may do without having anything to do it with is a mistake that would show on the phone only. */
function checkTools({ tool_names, destinations, variable_names, stored_tools }: AiRow): Problem[] {
  const known: readonly string[] = toolNames
  const taken = stored_tools.flatMap(({ name }, index) =>
    known.includes(name)
      ? [{ field: `tools.${index}.name`, problem: 'is the name of a tool that every AI may have' }]
      : [],
  )
  const queues = destinations.filter(({ type }) => type === 'queue').length
  const needs: Readonly<Record<string, [boolean, string]>> = {
    connect_call: [destinations.length > queues, 'connect_call needs destinations that are no queues'],
    queue_join: [queues > 0, 'queue_join needs destinations that are queues'],
    get_variables: [variable_names.length > 0, 'get_variables needs variable_names'],
    set_variables: [variable_names.length > 0, 'set_variables needs variable_names'],
  }
  const useless = tool_names.flatMap((name, index) => {
    const [isThere, problem] = needs[name] ?? [true, '']
    return isThere ? [] : [{ field: `tool_names.${index}`, problem }]
  })
  return [...taken, ...useless]
}

export function checkTeam({ start_member_id, members }: TeamRow): Problem[] {
  const ids = members.map(({ id }) => id)
  const problems: Problem[] = []
  const tell = (field: string, problem: string) => problems.push({ field, problem })
  if (!ids.includes(start_member_id)) tell('start_member_id', 'is not the id of a member')
  members.forEach(({ id, transitions }, index) => {
    const at = `members.${index}`
    if (ids.indexOf(id) !== index) tell(`${at}.id`, 'another member has this id')
    const names = transitions.map(({ function_name }) => function_name)
    transitions.forEach(({ function_name, next_member_id }, number) => {
      const place = `${at}.transitions.${number}`
      if (names.indexOf(function_name) !== number) tell(`${place}.function_name`, 'another transition has this name')
      if ((toolNames as readonly string[]).includes(function_name))
        tell(`${place}.function_name`, 'is the name of a tool')
      if (!ids.includes(next_member_id)) tell(`${place}.next_member_id`, 'is not the id of a member')
      else if (next_member_id === id) tell(`${place}.next_member_id`, 'leads to the member itself')
    })
  })
  return problems
}
