import type { Readable } from 'node:stream'
import type Joi from 'joi'
import type { SelectQueryBuilder } from 'typeorm'
import type { Step } from '../actions/index.ts'
import type { GroupcallRow } from '../outbound/groupcall.ts'
import type { OriginateRequest } from '../outbound/request.ts'
import type { Call } from '../calls/call.ts'
import type { Queues } from '../acd/queues.ts'
import type { Conferences } from '../conferences/conferences.ts'
import type { Conversations } from '../conversation/conversations.ts'
import type { Destination } from '../calls/party.ts'
import type { StepLike } from '../calls/run.ts'
import type { DataSource, EntityManager } from '../database.ts'
import type { KeyRing } from '../database/secrets.ts'
import type { Voice } from '../voice/voice.ts'
import type { Allowed } from '../web-hosts.ts'

/** What every row of a resource has. Most have a customer_id; what is dialable has a direct_hash (see DirectHash). */
export interface Row {
  id: string
}

export interface DialableRow extends Row {
  customer_id: string
}

/** What resources need of the process around them. */
export interface Site {
  readonly database: DataSource
  readonly baseDomain: string
  readonly hashBytes: number
  /** Live calls, where this process has any. */
  readonly calls?: {
    /** Ends a call. Resolves when its end is on the way, or it was over already. */
    hangup(id: string, node?: string): Promise<void>
    /** The call, if this process carries it. */
    get?(id: string): Call | undefined
    /** Throws where another process carries the Asterisk of this name, and has to do it. */
    checkHere?(node: string | undefined): void
  }
  readonly activeflows?: {
    /** Ends an activeflow and its call. Resolves when the end is on the way, or it was over already. */
    stop(row: { id: string; reference_id: string }, node?: string): Promise<void>
    /** Runs an action beside the flow of a call that this process carries. Rejects with a HashdialError. */
    command(call: Call, step: StepLike): Promise<void>
    /** Sends the caller to somebody else, in place of the one they talk with. Rejects with a HashdialError. */
    transfer(call: Call, destination: Destination): Promise<void>
  }
  /** Makes calls. */
  readonly outgoing?: {
    originate(request: OriginateRequest): Promise<{ call_id: string; groupcall_id: string | null }>
    /** Ends a groupcall. */
    hangup(row: Pick<GroupcallRow, 'id' | 'node'>): void
  }
  readonly recordings?: RecordingFiles
  /** Where trunks may be; else on the public internet only. */
  readonly trunkHosts?: Allowed
  /** Encrypts secrets that have to be read again. */
  readonly secrets?: KeyRing
  readonly conferences?: Conferences
  readonly queues?: Queues
  readonly conversations?: Conversations
  /** Who speaks and understands. */
  readonly voice?: Pick<Voice, 'tts' | 'stt'>
  readonly transcribes?: {
    /** Ends one, without storing any more. */
    drop(id: string): void
  }
}

export interface FileBody {
  body: Readable
  /** Undefined where it is not known before the end. */
  bytes: number | undefined
}

/** The files of recordings, each on the Asterisk that made it. */
export interface RecordingFiles {
  read(node: string, file: string): Promise<FileBody>
  remove(node: string, file: string): Promise<void>
}

/** One change of a row, in its transaction. The row is locked, or was made in it. */
export interface Change<R, Body> {
  readonly row: R
  readonly body: Body
  readonly manager: EntityManager
  readonly site: Site
}

/** Something else that can be done with one row: `POST /v1.0/calls/{id}/hangup`. */
export interface Command<R> {
  readonly method: 'POST' | 'PUT'
  readonly summary: string
  readonly body?: Joi.ObjectSchema
  /** The answer is the row as it is afterwards, with what is answered here and can never be read again. */
  run(row: R, body: Record<string, unknown>, site: Site): Promise<Body | void>
}

export type Body = Record<string, unknown>

/** Something else that can be read of one row: `GET /v1.0/queues/{id}/state`. */
export interface View<R> {
  readonly summary: string
  readonly query?: Joi.ObjectSchema
  readonly answer: Joi.ObjectSchema
  /** An agent, with the token of its login, may read it too: of its own row, or of those that `concerns` it. */
  readonly forAgents?: true
  concerns?(row: R, agentId: string, site: Site): Promise<boolean>
  read(row: R, site: Site, query: Body): Promise<Body>
}

/** An update with a path of its own: `PUT /v1.0/agents/{id}/status`. */
export interface Part<R> {
  readonly summary: string
  readonly body: Joi.ObjectSchema
  /** Who is the row, an agent with the token of its login, may do it too. */
  readonly forAgents?: true
  /** What its event says happened, where that is not `updated`. */
  readonly happened?: string
  /** The columns that change, where they are not what the body names. `row` is as it was, and locked. */
  changes?(row: R, body: Body): Body
}

/**
 * A resource: its table, the fields of its JSON, and what is special about it. The API makes the routes from it; a
 * route that has no schema does not exist.
 */
export interface Resource<R extends Row = Row> {
  /** One of them, a lower case word: in error reasons (EXTENSION_NOT_FOUND), in `directs` and in the SIP form. */
  readonly type: string
  /** Many of them: in paths. */
  readonly plural: string
  readonly about: string
  /** They are parts of another resource and found below its path; `column` is what names it. */
  readonly under?: { readonly parent: Resource; readonly column: string }
  readonly entity: new () => R
  readonly schema: {
    /** Every field of the JSON; a column that is not named here is not shown. */
    readonly read: Joi.ObjectSchema
    readonly create?: Joi.ObjectSchema
    readonly update?: Joi.ObjectSchema
    /** Query parameters of the list: they must equal the column of the same name, where there is no `narrow`. */
    readonly filter?: Joi.ObjectSchema
  }
  readonly deletable?: boolean
  /** Who is a row, an agent with the token of its login, may read it. */
  readonly forAgents?: true
  /** Whose they are: a customer's own (the default), the operator's alone, or both may have a hand in it. */
  readonly access?: 'customer' | 'operator' | 'both'
  /** The customer_id that the operator's own rows have: it sees no others. */
  readonly operatorId?: string
  /** Whether it is dialable, and when it gets its hash. On request: when the first one is asked for. */
  readonly direct?: 'on create' | 'on request'
  /** What a call to it gets. */
  steps?(row: R): Step[]
  /** Or the other resource that a call to it gets; undefined: none, and 404. */
  leadsTo?(row: R): { type: string; id: string } | undefined
  /** `GET …/{id}/file`: what belongs to a row and is no JSON. */
  readonly file?: {
    readonly summary: string
    readonly type: string
    readonly extension: string
    read(row: R, site: Site): Promise<FileBody>
  }
  readonly commands?: Readonly<Record<string, Command<R>>>
  readonly parts?: Readonly<Record<string, Part<R>>>
  readonly views?: Readonly<Record<string, View<R>>>
  /** Unique indexes, and what a refusal by each means to who wanted the row. */
  readonly unique?: Readonly<Record<string, { field: string; problem: string }>>
  /** Fields that only the answer to create has. */
  readonly once?: readonly string[]
  /** Columns of a new row that do not come from the body. */
  make?(row: Body, site: Site): Partial<R>
  /** The same of what takes long, before the transaction: it must not keep a connection and locks meanwhile. */
  prepare?(body: Body, where: { customer_id: string; manager: EntityManager; site: Site }): Promise<Body>
  /** What the schemas cannot check, in the transaction and before it changes anything. Answers the body that is to be stored. */
  check?(body: Body, where: { customer_id: string; manager: EntityManager; site: Site }): Promise<Body>
  /** Makes a row that is more than a row, in another way than by storing the body. Answers its id. */
  begin?(body: Body, customerId: string, site: Site): Promise<string>
  created?(change: Change<R, Body>): Promise<void>
  updated?(change: Change<R, Body>): Promise<void>
  /** A row was made, or has changed, and that is committed. */
  stored?(row: R, site: Site): void
  /** What DELETE does to something that goes on, and whose row stays. */
  dismiss?(row: R, site: Site): Promise<unknown>
  /** Removes what is not in the database; when it throws, the row stays. */
  removed?(row: R, site: Site): Promise<void>
  /** Which rows the query parameters of a list mean; `alias` is their table. */
  narrow?(query: SelectQueryBuilder<R>, alias: string, filter: Body): void
  /** Joins what belongs into each row. The alias is `row`. */
  select?(query: SelectQueryBuilder<R>): void
  /** What a join cannot bring, for all rows of a page at once. */
  complete?(rows: R[], manager: EntityManager): Promise<void>
}

export interface DialableResource<R extends Row = DialableRow> extends Resource<R> {
  readonly direct: 'on create' | 'on request'
  steps(row: R): Step[]
}
