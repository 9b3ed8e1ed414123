import type Joi from 'joi'

export type Schema = Record<string, unknown>

interface Described {
  flags?: { unit?: string }
  keys?: Record<string, Described>
  items?: Described[]
  examples?: unknown[]
  allow?: unknown[]
  metas?: { items?: string; format?: string; isFixed?: true }[]
  dependencies?: { rel: string; peers: string[] }[]
}

interface Options {
  /** A text may have `${variables}` in it, which need not be what the text itself has to be. */
  variables?: boolean
}

/**
 * Joi's own JSON Schema, with what it forgets: units, examples, what else is allowed, `or` and `xor`; and what a schema
 * says in its meta: `items` (the component that a list is made of), `format`, `isFixed` (no variable can be in it).
 */
export function jsonSchema(schema: Joi.Schema, options: Options = {}): Schema {
  const made = schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' }) as Schema
  return mend(made, schema.describe(), options)
}

export const reference = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })

function mend(made: Schema, described: Described, options: Options): Schema {
  const { flags, keys = {}, items = [], examples, allow = [], metas = [], dependencies = [] } = described
  const schema = withChoices(made)
  const meta = Object.assign({}, ...metas) as NonNullable<Described['metas']>[number]
  if (flags?.unit) schema.description = [schema.description, `In ${flags.unit}.`].filter(Boolean).join(' ')
  if (examples) schema.examples = examples
  if (meta.format) schema.format = meta.format
  if (schema.enum && allow.includes(null)) schema.enum = [...new Set([...(schema.enum as unknown[]), null])]
  if (schema.properties) {
    const properties = Object.entries(schema.properties as Record<string, Schema>)
    schema.properties = Object.fromEntries(
      properties.map(([name, value]) => [name, mend(value, keys[name] ?? {}, options)]),
    )
  }
  if (meta.items) schema.items = reference(meta.items)
  else if (schema.items && items[0]) schema.items = mend(schema.items as Schema, items[0], options)
  const choices = dependencies.flatMap(({ rel, peers }): Schema[] => {
    const one = peers.map((peer) => ({ required: [peer] }))
    return rel === 'or' ? [{ anyOf: one }] : rel === 'xor' ? [{ oneOf: one }] : []
  })
  if (choices.length > 1) schema.allOf = choices
  else Object.assign(schema, choices[0])
  return withOthers(schema, allow, Boolean(options.variables) && !meta.isFixed)
}

/** Joi writes `when` as anyOf, also where there is one choice only, or where what is left is anything. */
function withChoices({ anyOf, ...made }: Schema): Schema {
  const choices = (anyOf ?? []) as Schema[]
  if (choices.length < 2) return { ...made, ...choices[0] }
  if (choices.every((choice) => Object.keys(choice).length > 0)) return { ...made, anyOf }
  const isText = choices.every(({ type = 'string' }) => type === 'string')
  return { ...made, ...(isText && { type: 'string' }) }
}

/** A text that has to be something, and may be something else as well: empty, or one with variables in it. */
function withOthers(schema: Schema, allow: unknown[], variables: boolean): Schema {
  if (schema.type !== 'string' || !['enum', 'format', 'pattern'].some((rule) => rule in schema)) return schema
  const others: Schema[] = []
  if (allow.includes('') && !schema.enum) others.push({ const: '' })
  if (variables) others.push(reference('with_variables'))
  if (others.length === 0) return schema
  const { description, examples, ...rules } = schema
  return {
    ...(description !== undefined && { description }),
    ...(examples ? { examples } : {}),
    anyOf: [rules, ...others],
  }
}
