import Joi from 'joi'
import { Entity, Index } from 'typeorm'
import type { ConferenceRow } from '../conferences/row.ts'
import { BelongsTo, Count, Exact, Flag, Id, Json, RefersTo, Text, Time } from '../database/columns.ts'
import { DirectHash } from '../directs/direct.ts'
import { hashPassword } from '../passwords.ts'
import { conferenceCommands } from './conference-commands.ts'
import { common, detail, direct, id, name, time, times } from './fields.ts'
import { checkReferences, referencesIn } from './references.ts'
import { relatedIds } from './related.ts'
import type { Body, DialableResource, Site } from './resource.ts'

@Entity({ name: 'conferences' })
@Index('conferences_newest', ['customer_id', 'tm_create', 'id'])
export class Conference implements ConferenceRow {
  @Id() id: string
  @BelongsTo('customers', 'conferences_customer') customer_id: string
  @Text(255) name: string
  @Text(1024) detail: string
  @Exact(16) type: 'conference'
  @Exact(16) status: 'progressing'
  @Count() timeout: number
  @Json('mediumtext') data: object
  @RefersTo('flows', 'conferences_pre_flow') pre_flow_id: string | null
  @RefersTo('flows', 'conferences_post_flow') post_flow_id: string | null
  @Exact(255) pin_hash: string
  @Exact(255) moderator_pin_hash: string
  @Count() max_participants: number
  @Flag() join_muted: boolean
  @Exact(8) announce: ConferenceRow['announce']
  @Flag() music_when_alone: boolean
  @Exact(8) before_moderator: ConferenceRow['before_moderator']
  @Exact(8) after_moderator: ConferenceRow['after_moderator']
  @Exact(16) recording: ConferenceRow['recording']
  @Flag() menu: boolean
  @Flag() locked: boolean
  @Exact(64) node: string
  @Exact(64) bridge_id: string
  @Time({ nullable: true }) tm_start: string | null
  @Time() tm_create: string
  @Time({ nullable: true }) tm_update: string | null
  @DirectHash('conference') direct_hash: string
  conferencecall_ids: string[]
  recording_ids: string[]
  /** Of those the one that is being made. */
  recording_id: string | null

  get has_pin(): boolean {
    return this.pin_hash !== ''
  }
  get has_moderator_pin(): boolean {
    return this.moderator_pin_hash !== ''
  }
}

const pin = Joi.string()
  .allow('')
  .pattern(/^\d{4,16}$/)
  .messages({ 'string.pattern.base': '{{#label}} must have 4 to 16 digits, or be "" for none' })
  .description('4 to 16 digits that callers are asked for; "" is none. Kept only as a hash (scrypt).')
  .example('482913')

const settings = {
  timeout: Joi.number()
    .integer()
    .min(0)
    .max(604_800)
    .unit('seconds')
    .description('How long a meeting may last; 0: as long as somebody is in it.'),
  data: Joi.object().max(100).description('Anything of yours; it is kept as it is.'),
  pre_flow_id: id().allow(null).description('The flow that a caller gets before they come in.'),
  post_flow_id: id()
    .allow(null)
    .description('The flow that they get when they are out again, if they are still there.'),
  max_participants: Joi.number()
    .integer()
    .min(0)
    .max(10_000)
    .description('0: as many as come. Moderators always get in.'),
  join_muted: Joi.boolean().description('Whoever comes in is muted, until they unmute themselves.'),
  announce: Joi.valid('none', 'tone', 'count', 'name').description(
    'What is heard of who comes and goes: nothing; a tone; a tone, and who comes is told how many there are; their name, which is recorded at the door.',
  ),
  music_when_alone: Joi.boolean(),
  before_moderator: Joi.valid('open', 'muted', 'music').description(
    'What is heard before a moderator is there: everybody; nobody but the announcements; music.',
  ),
  after_moderator: Joi.valid('go_on', 'end').description('What follows when the last moderator leaves.'),
  recording: Joi.valid('auto', 'on_request').description('auto: each meeting, from its beginning.'),
  menu: Joi.boolean().description(
    'DTMF: *1 mute, *4/*6 hear softer/louder, *7/*9 speak softer/louder, *0 how many, *8 leave; moderators: *2 lock, *3 remove the last, *5 mute all, *# end.',
  ),
}

const given = { name, detail, ...settings, pin, moderator_pin: pin }

const defaults: Readonly<Record<string, string | number | boolean | object | null>> = {
  ...{ name: '', detail: '', timeout: 0, data: {}, pre_flow_id: null, post_flow_id: null, max_participants: 0 },
  ...{ join_muted: false, announce: 'none', music_when_alone: true, before_moderator: 'open' },
  ...{ after_moderator: 'go_on', recording: 'on_request', menu: true, pin: '', moderator_pin: '' },
}

const shown = Object.fromEntries(Object.entries(settings).map(([field, schema]) => [field, schema.required()]))

export const conferences: DialableResource<Conference> = {
  type: 'conference',
  plural: 'conferences',
  about: 'Where callers hear each other. Anyone who calls its direct address comes in, or is asked for its PIN.',
  entity: Conference,
  deletable: true,
  direct: 'on create',
  schema: {
    read: Joi.object({
      ...common,
      type: Joi.valid('conference').required(),
      status: Joi.valid('progressing', 'terminating', 'terminated').required(),
      ...shown,
      has_pin: Joi.boolean().required(),
      has_moderator_pin: Joi.boolean().required(),
      locked: Joi.boolean().required().description('Nobody but moderators gets in.'),
      tm_start: time().allow(null).required().description('Since when somebody is in it; null: nobody is.'),
      conferencecall_ids: Joi.array().items(id()).required().description('Who is in it.'),
      recording_id: id().allow(null).required().description('The recording that is being made.'),
      recording_ids: Joi.array().items(id()).required(),
      ...direct,
      ...times,
    }),
    create: Joi.object(
      Object.fromEntries(Object.entries(given).map(([field, schema]) => [field, schema.default(defaults[field])])),
    ),
    update: Joi.object(given),
  },
  steps: ({ id: conference_id }) => [
    { type: 'answer', option: {} },
    { type: 'conference_join', option: { conference_id } },
  ],
  async prepare({ pin: plain, moderator_pin: moderators, ...body }) {
    const hash = async (column: string, value: unknown): Promise<Body> =>
      typeof value === 'string' ? { [column]: value === '' ? '' : await hashPassword(value) } : {}
    return { ...body, ...(await hash('pin_hash', plain)), ...(await hash('moderator_pin_hash', moderators)) }
  },
  check: (body, where) => checkReferences(body, where, referencesIn(body, 'flow', 'pre_flow_id', 'post_flow_id')),
  make: () => ({ type: 'conference', status: 'progressing', locked: false, node: '', bridge_id: '', tm_start: null }),
  async updated({ row, site }) {
    checkHere(row, site)
    site.conferences?.changed(row)
  },
  async removed(row, site) {
    checkHere(row, site)
    site.conferences?.dissolve(row.id)
  },
  commands: conferenceCommands,
  async complete(rows, manager) {
    const callsOf = await relatedIds(manager, 'conferencecalls', 'conference_id', rows, 'tm_end IS NULL')
    const recordingsOf = await relatedIds(manager, 'recordings', 'reference_id', rows)
    const currentOf = await relatedIds(manager, 'recordings', 'reference_id', rows, 'tm_end IS NULL')
    for (const row of rows)
      Object.assign(row, {
        conferencecall_ids: callsOf(row),
        recording_ids: recordingsOf(row),
        recording_id: currentOf(row).at(-1) ?? null,
      })
  },
}

/** Whoever is in it has to be told by the process that carries them. */
function checkHere({ conferencecall_ids, node }: Conference, { calls }: Site): void {
  if (conferencecall_ids.length > 0) calls?.checkHere?.(node)
}
