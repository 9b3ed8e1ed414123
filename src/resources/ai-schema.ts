import Joi from 'joi'
import { calleesMax } from '../calls/agents.ts'
import { targets } from '../calls/party.ts'
import { webUrl } from '../actions/action.ts'
import { parametersSchema } from '../conversation/http-tool.ts'
import { toolNames } from '../conversation/tool.ts'
import { id, milliseconds, text } from './fields.ts'

const minute = 60_000

/** What a model calls something by. */
export const functionName = Joi.string()
  .pattern(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/)
  .messages({ 'string.pattern.base': '{{#label}} must have 1 to 64 letters, digits, - and _, and begin with no digit' })

const destination = Joi.object({
  name: functionName.required().description('What the AI calls it by: it never knows more of it.'),
  description: text(255).default('').description('For the AI: who that is, and what for.'),
  type: Joi.valid('extension', 'sip', 'tel', 'agent', 'queue').required(),
  target: Joi.when('type', {
    switch: [...targets, { is: Joi.valid('agent', 'queue'), then: id().required() }],
  }),
  target_name: Joi.string().max(255),
  handover: Joi.valid('warm', 'blind')
    .default('warm')
    .description('warm: they hear what it is about, and accept with 1; blind: they are connected at once.'),
})

const tool = {
  type: Joi.valid('http').required(),
  name: functionName.required(),
  description: text(1_000).default('').description('For the AI: what it does, and when to use it.'),
  parameters: parametersSchema.default({ type: 'object', properties: {} }),
  method: Joi.valid('GET', 'POST', 'PUT', 'PATCH', 'DELETE')
    .default('POST')
    .description('GET and DELETE have the arguments in the query, others in a body of JSON.'),
  url: webUrl.required(),
  timeout: milliseconds(10_000).default(5_000),
  filler: text(200).default('').description('What the caller hears when it takes its time; "": nothing.'),
}

const httpTool = Joi.object({
  ...tool,
  headers: Joi.object()
    .pattern(
      /^[A-Za-z0-9-]{1,64}$/,
      Joi.string()
        .max(4_096)
        .pattern(/^[\x20-\x7e]*$/),
    )
    .max(20)
    .default({})
    .description('Kept encrypted, and never shown: only `header_names` are.'),
})

/** As GET shows them. */
export const shownTools = Joi.array()
  .items(Joi.object({ ...tool, header_names: Joi.array().items(Joi.string()).required() }))
  .required()

export const settings = {
  mode: Joi.valid('media').description('media: Hashdial carries the conversation.'),
  engine_type: Joi.valid('realtime', 'pipeline', 'scripted').description(
    'realtime: speech to speech, by the Realtime protocol of OpenAI; pipeline: speech to text, a model, and text to speech; scripted: the same with the rules in `parameter` in place of a model.',
  ),
  engine_model: Joi.string()
    .allow('')
    .max(255)
    .pattern(/^$|^[a-z][a-z0-9_-]*\.[\x21-\x7e]+$/)
    .messages({ 'string.pattern.base': '{{#label}} must be <provider>.<model>, such as openai.gpt-4.1-mini' })
    .description('`<provider>.<model>`: openai, ollama, gemini, groq, mistral, or custom with `engine_url`.')
    .example('openai.gpt-4.1-mini'),
  engine_url: Joi.string()
    .allow('')
    .max(2_048)
    .uri({ scheme: ['http', 'https', 'ws', 'wss'] })
    .description('The base URL of a server with OpenAI\'s /chat/completions; "": that of the provider.')
    .example(''),
  init_prompt: text(65_536).description('Who it is, and what it is to do; `${name}` is a variable of the flow.'),
  parameter: Joi.object()
    .max(50)
    .description('What the model is given beside (`temperature`); of a scripted AI its `rules`.')
    .example({ temperature: 0.4 }),
  tts_type: Joi.string().allow('').max(64).description('Who speaks, as in the action talk; "": the offline voice.'),
  tts_voice_id: Joi.string().allow('').max(255).description('One of its voices; "": its own choice.').example('slt'),
  stt_type: Joi.string().allow('').max(64).description('Who understands; "": the offline transcriber.'),
  stt_language: Joi.string()
    .allow('')
    .max(32)
    .pattern(/^$|^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)
    .messages({ 'string.pattern.base': '{{#label}} must be a language tag (BCP 47), such as en-US' })
    .description('The language of the conversation; "": that of the providers.')
    .example('en-US'),
  vad_config: Joi.object({
    barge_in: Joi.boolean().default(true).description('The caller can interrupt it.'),
    protect: milliseconds(minute).default(1_000).description('So long the greeting cannot be interrupted.'),
    silence: milliseconds(10 * minute)
      .min(2_000)
      .default(10_000)
      .description('After so much silence the next of the silence prompts is said, at least 2 s.'),
  }),
  tool_names: Joi.array()
    .items(Joi.valid(...toolNames))
    .unique()
    .description('What it may do beside talking.'),
  variable_names: Joi.array()
    .items(
      Joi.string()
        .max(255)
        .pattern(/^[A-Za-z_][A-Za-z0-9_.-]*$/),
    )
    .max(100)
    .unique()
    .description('The variables of the flow that get_variables and set_variables have to do with, and no others.'),
  tools: Joi.array()
    .items(httpTool)
    .max(50)
    .unique('name')
    .description('Servers of yours that it may ask; what it asks is checked by `parameters` (JSON Schema).'),
  destinations: Joi.array()
    .items(destination)
    .max(calleesMax)
    .unique('name')
    .description('Whom connect_call may connect the caller with: nobody else, whatever the model says.'),
  fallback_ai_ids: Joi.array()
    .items(id())
    .max(5)
    .unique()
    .description('Who goes on, one after another, when its provider fails.'),
  budget: Joi.object({
    first_audio_ms: milliseconds(minute)
      .default(5_000)
      .description('Where an answer takes longer, the next AI goes on.'),
    minutes_per_day: Joi.number().integer().min(0).max(1_000_000).default(0),
    concurrent_calls: Joi.number().integer().min(0).max(100_000).default(0),
  }).description('0: no limit.'),
  max_duration: milliseconds(24 * 60 * minute)
    .min(1_000)
    .description('How long a conversation may last.'),
  greeting: text(1_000).description('What it says first; "": it waits for the caller.'),
  silence_prompts: Joi.array()
    .items(text(500))
    .max(5)
    .description('What it says to a caller who says nothing; after the last one it ends the conversation.'),
  sensitive: Joi.boolean().description('Digits that the caller presses are not kept in the messages.'),
}

export const settingsDefaults: Readonly<Record<keyof typeof settings, unknown>> = {
  ...{ mode: 'media', engine_type: 'pipeline', engine_model: '', engine_url: '', init_prompt: '', parameter: {} },
  ...{ tts_type: '', tts_voice_id: '', stt_type: '', stt_language: '', tool_names: [], variable_names: [] },
  ...{ tools: [], destinations: [] },
  vad_config: { barge_in: true, protect: 1_000, silence: 10_000 },
  ...{ fallback_ai_ids: [], budget: { first_audio_ms: 5_000, minutes_per_day: 0, concurrent_calls: 0 } },
  ...{ max_duration: 600_000, greeting: '', sensitive: false },
  silence_prompts: ['Are you still there?', 'I cannot hear you. Goodbye.'],
}
