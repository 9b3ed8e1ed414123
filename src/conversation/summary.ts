import type { Dialogue } from './dialogue.ts'
import type { Member } from './engine.ts'
import type { Llm } from './llm.ts'

/** How long a model may take for it, in milliseconds: the flow waits. */
const patience = 3_000
const longest = 1_000

const request =
  'Sum up this conversation for a colleague, in two sentences at most: what the caller wants, and what was done.'

/** What a conversation was about, by the model that had it, and else by what the caller has said. */
export async function summaryOf(
  llm: Llm,
  member: Member,
  { said, words }: Dialogue,
  signal: AbortSignal,
): Promise<string> {
  if (words.length === 0) return ''
  const plain = `The caller said: ${words.join(' ')}`.slice(0, longest)
  if (member.ai.engine_type !== 'pipeline') return plain
  const { ai, key, prompt } = member
  const talk = said.filter(({ role, content }) => role !== 'tool' && content !== '')
  const text = talk.map(({ role, content }) => `${role === 'user' ? 'Caller' : 'AI'}: ${content}`).join('\n')
  const asked = [{ role: 'user', content: `${request}\n\n${text}` }] as const
  try {
    let summary = ''
    const soon = AbortSignal.any([signal, AbortSignal.timeout(patience)])
    for await (const piece of llm.complete({ ai, key, prompt, said: asked, tools: [], signal: soon }))
      if ('text' in piece) summary += piece.text
    return summary.trim().slice(0, longest) || plain
  } catch {
    return plain // a provider that is away keeps no caller waiting
  }
}
