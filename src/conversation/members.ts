import { In } from 'typeorm'
import type { DataSource } from '../database.ts'
import type { KeyRing } from '../database/secrets.ts'
import { HashdialError } from '../errors.ts'
import { fill } from '../calls/fill.ts'
import type { Member } from './engine.ts'
import type { AiRow, StoredTool, TeamMember, TeamRow } from './row.ts'
import { toolsOf } from './tool.ts'

/** The longest prompt with its variables in it, in characters: twice what may be written. */
const promptMost = 131_072

/** Who a caller talks with: an AI alone, or the members of a team. */
export class Assistance {
  private constructor(
    readonly type: 'ai' | 'team',
    readonly id: string,
    readonly start: TeamMember,
    readonly members: readonly TeamMember[],
    readonly house: { database: DataSource; secrets: KeyRing },
    readonly customerId: string,
  ) {}

  static async find(
    house: { database: DataSource; secrets: KeyRing },
    customerId: string,
    { ai_id, team_id }: { ai_id?: string; team_id?: string },
  ): Promise<Assistance> {
    if (ai_id !== undefined) {
      const alone = { id: '', name: '', ai_id, transitions: [] }
      return new Assistance('ai', ai_id, alone, [alone], house, customerId)
    }
    const id = team_id ?? ''
    const row = await house.database.getRepository<TeamRow>('teams').findOneBy({ id, customer_id: customerId })
    const start = row?.members.find((member) => member.id === row.start_member_id)
    if (!row || !start) throw new HashdialError('NOT_FOUND', 'TEAM_NOT_FOUND', `you have no team ${id}`)
    return new Assistance('team', id, start, row.members, house, customerId)
  }

  /** A member of the team, or the first; with another AI where its own has failed. */
  async member(id: string | null, variables: Readonly<Record<string, string>>, aiId?: string): Promise<Member> {
    const found = this.members.find((member) => member.id === (id ?? '')) ?? this.start
    const ai = await this.#ai(aiId ?? found.ai_id)
    return {
      ...{
        id: found.id || null,
        ai,
        prompt: fill(ai.init_prompt, variables, promptMost),
        transitions: found.transitions,
      },
      key: this.#open(ai.sealed_engine_key, ai.id),
      httpTools: ai.stored_tools.map((tool) => ({ ...tool, headers: this.#headers(tool, ai.id) })),
      tools: toolsOf(ai, found.transitions),
    }
  }

  /** Those of these AIs that exist, in this order. */
  async existing(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return []
    const where = { id: In([...ids]), customer_id: this.customerId }
    const rows = await this.house.database.getRepository<AiRow>('ais').findBy(where)
    return ids.filter((id) => rows.some((row) => row.id === id))
  }

  #headers({ sealed_headers }: StoredTool, aiId: string): Record<string, string> {
    return JSON.parse(this.#open(sealed_headers, aiId) || '{}') as Record<string, string>
  }

  #open(sealed: string, aiId: string): string {
    return sealed === '' ? '' : this.house.secrets.open(sealed, aiId)
  }

  async #ai(id: string): Promise<AiRow> {
    const row = await this.house.database.getRepository<AiRow>('ais').findOneBy({ id, customer_id: this.customerId })
    if (row) return row
    throw new HashdialError('NOT_FOUND', 'AI_NOT_FOUND', `you have no AI ${id}`)
  }
}
