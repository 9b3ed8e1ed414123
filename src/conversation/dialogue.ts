import { now, type DataSource } from '../database.ts'
import type { WriteBehind } from '../database/write-behind.ts'
import type { EventOf } from '../events/event.ts'
import { idOf } from '../id.ts'
import { isPressed } from './keys.ts'
import type { Said } from './llm.ts'
import type { AicallRow, AimessageRow } from './row.ts'

interface DialogueHouse {
  readonly database: DataSource
  readonly writes: WriteBehind
  readonly eventOf: EventOf
  readonly warn: (error: Error) => void
}

type Added = Pick<AimessageRow, 'role' | 'content'> & Partial<Pick<AimessageRow, MoreFields>>
type MoreFields = 'interrupted' | 'tool_calls' | 'tool_call_id' | 'timing'

/** A model is told of so many messages at most. */
const most = 200
const longest = 16_000

/** What was said in a conversation, in its order: as the models are told of it, and as it is stored. */
export class Dialogue {
  readonly said: Said[] = []
  #last = 0
  readonly #expected = new Map<string, { said: { role: 'user'; content: string }; sequence: number }>()

  constructor(
    readonly house: DialogueHouse,
    readonly row: AicallRow,
  ) {}

  /** Goes on with what was said in this conversation, or in the one that it follows. */
  async load(aicallId: string): Promise<void> {
    const rows = await this.house.database
      .getRepository<AimessageRow>('aimessages')
      .find({ where: { aicall_id: aicallId }, order: { sequence: 'ASC' } })
    if (aicallId === this.row.id) this.#last = rows.at(-1)?.sequence ?? 0
    for (const row of rows) this.#remember(row)
    const isFollowed = aicallId !== this.row.id
    this.#closeCalls(
      isFollowed ? 'Nobody took the caller, who is back with you.' : 'This did not happen: the line was lost.',
    )
  }

  /** What the caller has said in words. */
  get words(): string[] {
    const own = this.said.filter(({ role, content }) => role === 'user' && content !== '' && !isPressed(content))
    return own.map(({ content }) => content)
  }

  /** Did the AI ask something last? */
  get hasAsked(): boolean {
    return (
      this.said
        .findLast(({ role }) => role === 'assistant')
        ?.content.trimEnd()
        .endsWith('?') === true
    )
  }

  /** The caller has said something that is known later, under this name: it has its place now. */
  expect(name: string): Said {
    const said = { role: 'user' as const, content: '' }
    this.said.push(said)
    this.#expected.set(name, { said, sequence: ++this.#last })
    return said
  }

  /** What that was. */
  complete(name: string, content: string): void {
    const expected = this.#expected.get(name)
    if (!expected) return
    this.#expected.delete(name)
    expected.said.content = content
    this.#store({ role: 'user', content }, content, expected.sequence)
  }

  /** `shown`: as it is stored, where that is not what the model is told. */
  add(message: Added, shown = message.content): void {
    this.#remember(message)
    this.#store(message, shown, ++this.#last)
  }

  #store(message: Added, shown: string, sequence: number): void {
    const { id: aicall_id, customer_id, current_member_id: member_id } = this.row
    const row: AimessageRow = {
      ...{ id: idOf(`aimessage-${aicall_id}-${sequence}`), customer_id, aicall_id, sequence, member_id },
      ...{ interrupted: false, tool_calls: [], tool_call_id: '', ...message, content: shown.slice(0, longest) },
      direction: directions[message.role],
      timing: { ...message.timing },
      tm_create: now(),
    }
    const { eventOf, warn, writes } = this.house
    const entries = [['aimessages', row] as const, ['events', eventOf('aimessage', 'created', row)] as const]
    writes.store(entries, 'soon').catch(warn)
  }

  #remember({ role, content, tool_calls = [], tool_call_id = '' }: Added): void {
    if (role === 'notification') return
    this.said.push({
      role,
      content,
      ...(tool_calls.length > 0 && { tool_calls }),
      ...(tool_call_id && { tool_call_id }),
    })
    // A result whose call was left out would be refused.
    while (this.said.length > most || this.said[0]?.role === 'tool') this.said.shift()
  }

  /** A model is refused where a call of a tool has no result: the process went down in between, or the caller was in a queue. */
  #closeCalls(content: string): void {
    const last = this.said.findLast(({ role }) => role === 'assistant')
    const done = new Set(this.said.map(({ tool_call_id }) => tool_call_id))
    for (const { id } of last?.tool_calls ?? [])
      if (!done.has(id)) this.add({ role: 'tool', content, tool_call_id: id })
  }
}

const directions = { user: 'incoming', assistant: 'outgoing', tool: 'none', notification: 'none' } as const
