import type { Call } from '../calls/call.ts'
import type { Dialogue } from './dialogue.ts'

/** What somebody is told who is to take over a caller from an AI: who it is, what they said last, and how to accept. */
export function briefOf({ row }: Call, { words }: Dialogue): string {
  const { target, target_name } = row.source
  const last = words.slice(-2).map((said) => said.replace(/[.!?]*$/, '.'))
  const who = target_name || target || 'somebody'
  const about = last.length > 0 ? ` They said: ${last.join(' ')}` : ''
  return `A caller, ${who}, wants to talk to you.${about.slice(0, 400)} Press 1 to take the call.`
}
