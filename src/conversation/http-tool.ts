import { Ajv, type ValidateFunction } from 'ajv'
import Joi from 'joi'
import { textOf, WebError, type Web } from '../web.ts'
import type { StoredTool } from './row.ts'

/** A tool of the customer's own, with its headers in plain text. */
export type HttpTool = StoredTool & { readonly headers: Readonly<Record<string, string>> }

/** A model is told so much of a result, in characters. */
const resultLength = 4_096
const answerBytes = 65_536

const primitive = Joi.alternatives(Joi.string().max(1_000), Joi.number(), Joi.boolean(), Joi.valid(null))
const types = Joi.valid('string', 'number', 'integer', 'boolean', 'array', 'object', 'null')
const count = Joi.number().integer().min(0)

/** As much of JSON Schema as models need; `pattern` is not in it, for a pattern of a stranger may hold everybody up. */
const keysOf = (type: Joi.Schema) => ({
  type: type.required(),
  ...{ title: Joi.string().max(255), description: Joi.string().max(1_000), default: primitive },
  ...{ enum: Joi.array().items(primitive).min(1).max(100), const: primitive },
  ...{ minimum: Joi.number(), maximum: Joi.number(), minLength: count, maxLength: count },
  ...{ minItems: count, maxItems: count, items: Joi.link('#schema') },
  properties: Joi.object().pattern(Joi.string().max(64), Joi.link('#schema')).max(50),
  required: Joi.array().items(Joi.string().max(64)).max(50),
  additionalProperties: Joi.boolean(),
})

const objectSchema = Joi.object(keysOf(Joi.valid('object'))).shared(Joi.object(keysOf(types)).id('schema'))

/** What a tool takes: the schema of an object. It refers to itself, which OpenAPI is not told. */
export const parametersSchema = Joi.object()
  .custom((value: object, { error }) => {
    if (JSON.stringify(value).length > 8_192) return error('schema.wrong', { why: 'it may have 8192 characters' })
    const wrong = objectSchema.validate(value, { errors: { label: 'path' } }).error
    return wrong ? error('schema.wrong', { why: wrong.message }) : value
  })
  .messages({ 'schema.wrong': '{{#label}} is no JSON Schema of an object as it is known here: {{#why}}' })

const ajv = new Ajv({ strict: false, logger: false })
/** Schemas do not change, and each is compiled once while its AI is there. */
const compiled = new WeakMap<object, ValidateFunction>()

/** Asks the customer's server. What is wrong with that is told to the model in words; it never rejects. */
export async function callHttpTool(
  web: Web,
  tool: HttpTool,
  given: Record<string, unknown>,
  signal: AbortSignal,
): Promise<string> {
  const problem = problemWith(tool.parameters, given)
  if (problem) return `This was not done: ${problem}.`
  const { method, timeout, headers } = tool
  const hasBody = method !== 'GET' && method !== 'DELETE'
  const body = hasBody ? { body: JSON.stringify(given) } : {}
  const all = { ...(hasBody && { 'content-type': 'application/json' }), ...headers }
  try {
    const url = hasBody ? tool.url : withQuery(tool.url, given)
    // A redirect would carry the headers to somebody else.
    const limits = { timeout, maxBytes: answerBytes, staysThere: true, signal }
    const answer = await web.request(url, { method, headers: all, ...body, ...limits })
    if (answer.status < 200 || answer.status > 299) return `This was not done: the server answered ${answer.status}.`
    return textOf(answer).slice(0, resultLength) || 'done'
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof WebError)) throw error
    return 'This was not done: the server did not answer.'
  }
}

function problemWith(parameters: object, given: Record<string, unknown>): string | undefined {
  const validate = compiled.get(parameters) ?? ajv.compile(parameters)
  compiled.set(parameters, validate)
  return validate(given) ? undefined : `the arguments are wrong: ${ajv.errorsText(validate.errors).slice(0, 500)}`
}

function withQuery(url: string, given: Record<string, unknown>): string {
  const all = new URL(url)
  for (const [name, value] of Object.entries(given))
    all.searchParams.set(name, typeof value === 'string' ? value : JSON.stringify(value))
  return all.href
}
