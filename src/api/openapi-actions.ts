import type { AnyAction } from '../actions/action.ts'
import { actions } from '../actions/index.ts'
import { jsonSchema, reference, type Schema } from './json-schema.ts'

const all = Object.entries<AnyAction>(actions)

/** The components that lists of actions are made of: `action` is one of all, `action_<type>` is that of a type. */
export function actionSchemas(): Record<string, Schema> {
  const own = all.map(([type, action]) => [`action_${type}`, actionSchema(type, action)] as const)
  return {
    with_variables: {
      ...{ type: 'string', pattern: '\\$\\{[^}]*\\}', examples: ['${hashdial.call.digits}'] },
      description: 'A text with variables in it. What it is with their values is checked when the action runs.',
    },
    action: {
      description: 'One thing that a flow does; see the table at the flows.',
      oneOf: own.map(([name]) => reference(name)),
      discriminator: {
        propertyName: 'type',
        mapping: Object.fromEntries(all.map(([type]) => [type, `#/components/schemas/action_${type}`])),
      },
    },
    ...Object.fromEntries(own),
  }
}

function actionSchema(type: string, { about, options }: AnyAction): Schema {
  const option = jsonSchema(options, { variables: true })
  return {
    ...{ type: 'object', description: about, required: option.required ? ['type', 'option'] : ['type'] },
    properties: {
      id: { type: 'string', format: 'uuid', description: 'Its name within its list; made up where it is left out.' },
      next_id: {
        ...{ type: ['string', 'null'], format: 'uuid' },
        description: 'The action of the list that follows; null: the next one.',
      },
      type: { type: 'string', const: type },
      option,
    },
    additionalProperties: false,
  }
}

/** A table of the actions, in Markdown. */
export function actionTable(): string {
  const rows = all.map(([type, { about, options }]) => {
    const { properties = {}, required = [] } = jsonSchema(options) as { properties?: Schema; required?: string[] }
    const told = Object.keys(properties).map((name) => `\`${name}\`${required.includes(name) ? ' (required)' : ''}`)
    return `| \`${type}\` | ${about} | ${told.join(', ') || '–'} |`
  })
  return ['| action | what it does | options |', '| --- | --- | --- |', ...rows].join('\n')
}
