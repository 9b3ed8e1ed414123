import type { Run } from '../calls/run.ts'
import type { Engine, Member } from './engine.ts'

interface House {
  next(member: Member): Promise<Member | undefined>
  switched(member: Member): void
}

/** Where the provider of an AI is away, the next one begins. Throws what the last one did not begin for. */
export async function firstToStart(
  first: Member,
  start: (member: Member) => Promise<Engine>,
  house: House,
  { signal }: Pick<Run, 'signal'>,
): Promise<[Member, Engine]> {
  for (let member = first; ;) {
    try {
      return [member, await start(member)]
    } catch (error) {
      const next = signal.aborted ? undefined : await house.next(member)
      if (!next) throw error
      house.switched(next)
      member = next
    }
  }
}
