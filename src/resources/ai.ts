import Joi from 'joi'
import { Column, Entity, Index } from 'typeorm'
import { checkAi } from '../conversation/check.ts'
import type { AiRow, Budget, EngineType, NamedDestination, StoredTool, VadConfig } from '../conversation/row.ts'
import { BelongsTo, Count, Exact, Flag, Id, Json, Text, Time } from '../database/columns.ts'
import { DirectHash } from '../directs/direct.ts'
import { checkedAddresses } from './agent-addresses.ts'
import { settings, settingsDefaults, shownTools } from './ai-schema.ts'
import { common, detail, direct, name, times } from './fields.ts'
import { checkReferences, type Reference } from './references.ts'
import type { Body, DialableResource, Site } from './resource.ts'
import { keysOf } from './secret.ts'
import { mustBeRight } from './wrong.ts'

@Entity({ name: 'ais' })
@Index('ais_newest', ['customer_id', 'tm_create', 'id'])
export class Ai implements AiRow {
  @Id() id: string
  @BelongsTo('customers', 'ais_customer') customer_id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @Exact(16) mode: 'media'
  @Exact(16) engine_type: EngineType
  @Exact(255) engine_model: string
  @Text(2048) engine_url: string
  @Column({ type: 'text', charset: 'ascii', collation: 'ascii_bin' }) sealed_engine_key: string
  @Column({ type: 'mediumtext' }) init_prompt: string
  @Json('mediumtext') parameter: Record<string, unknown>
  @Exact(64) tts_type: string
  @Text(255) tts_voice_id: string
  @Exact(64) stt_type: string
  @Exact(32) stt_language: string
  @Json('text') vad_config: VadConfig
  @Json('text') tool_names: string[]
  @Json('text') variable_names: string[]
  @Json('mediumtext') stored_tools: StoredTool[]
  @Json('text') destinations: NamedDestination[]
  @Json('text') fallback_ai_ids: string[]
  @Json('text') budget: Budget
  @Count() max_duration: number
  @Text(1024) greeting: string
  @Json('text') silence_prompts: string[]
  @Flag() sensitive: boolean
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
  @DirectHash('ai') direct_hash: string

  get tools(): Partial<StoredTool>[] {
    return this.stored_tools.map(({ sealed_headers: _, ...shown }) => shown)
  }
  get has_engine_key(): boolean {
    return this.sealed_engine_key !== ''
  }
}

const engineKey = Joi.string()
  .allow('')
  .max(1_024)
  .pattern(/^[\x21-\x7e]*$/)
  .messages({ 'string.pattern.base': '{{#label}} may have printable ASCII characters only, and no spaces' })
  .description('The provider\'s key; "" is none. Kept encrypted, and never shown.')
  .example('sk-1234')

const given = { name, detail, ...settings, engine_key: engineKey }

const defaults: Readonly<Record<string, unknown>> = { name: '', detail: '', ...settingsDefaults, engine_key: '' }

export const ais: DialableResource<Ai> = {
  type: 'ai',
  plural: 'ais',
  about:
    'An AI that talks with callers: with a model of a provider, or by rules and without any provider (`scripted`). Anyone ' +
    'who calls its direct address talks with it.',
  entity: Ai,
  deletable: true,
  direct: 'on request',
  schema: {
    read: Joi.object({
      ...common,
      ...Object.fromEntries(Object.entries(settings).map(([field, schema]) => [field, schema.required()])),
      tools: shownTools,
      has_engine_key: Joi.boolean().required(),
      ...direct,
      ...times,
    }),
    create: Joi.object(
      Object.fromEntries(
        Object.entries(given).map(([field, schema]) => [field, schema.default(defaults[field] as never)]),
      ),
    ),
    update: Joi.object(given),
  },
  steps: ({ id: ai_id }) => [
    { type: 'answer', option: {} },
    { type: 'ai_talk', option: { ai_id } },
  ],
  async check(body, { customer_id, manager, site: { baseDomain } }) {
    const { destinations = [] } = body as Partial<AiRow>
    await checkedAddresses(destinations, { customer_id, manager, baseDomain }, 'destinations')
    return checkReferences(body, { customer_id, manager }, referencesOf(body))
  },
  make: ({ id, engine_key: key, tools }, site) => ({
    sealed_engine_key: sealed(key, String(id), site),
    stored_tools: storedTools(tools as GivenTool[], String(id), site),
  }),
  // Fields that only go together are looked at in the row as it is to be: a part of it may be right alone.
  created: async ({ row, site }) => mustBeRight(checkAi(row, site.voice)),
  async updated({ row, body, manager, site }) {
    const { id } = row
    const stored = body.tools === undefined ? row.stored_tools : storedTools(body.tools as GivenTool[], id, site)
    mustBeRight(checkAi({ ...row, stored_tools: stored }, site.voice))
    const key = body.engine_key === undefined ? row.sealed_engine_key : sealed(body.engine_key, id, site)
    await manager.query('UPDATE ais SET sealed_engine_key = ?, stored_tools = ? WHERE id = ?', [
      ...[key, JSON.stringify(stored), id],
    ])
  },
}

function referencesOf(body: Body): Reference[] {
  const { destinations = [], fallback_ai_ids = [] } = body as Partial<AiRow>
  const named = destinations.flatMap(({ type, target = '' }, index): Reference[] =>
    type === 'agent' || type === 'queue' ? [{ field: `destinations.${index}.target`, type, id: target }] : [],
  )
  return [
    ...named,
    ...fallback_ai_ids.map((id, index) => ({ field: `fallback_ai_ids.${index}`, type: 'ai' as const, id })),
  ]
}

type GivenTool = Omit<StoredTool, 'header_names' | 'sealed_headers'> & { headers: Record<string, string> }

/** The headers of a tool may have a key in them. */
function storedTools(tools: readonly GivenTool[], id: string, site: Site): StoredTool[] {
  return tools.map(({ headers, ...tool }) => {
    const names = Object.keys(headers)
    return {
      ...tool,
      header_names: names,
      sealed_headers: names.length > 0 ? sealed(JSON.stringify(headers), id, site) : '',
    }
  })
}

function sealed(key: unknown, id: string, site: Site): string {
  return typeof key === 'string' && key !== '' ? keysOf(site).seal(key, id) : ''
}
