import { randomUUID } from 'node:crypto'
import Joi from 'joi'
import type { Llm, LlmPiece, LlmRequest, Said } from './llm.ts'

/** What a scripted AI says, and does, to what a caller says. */
interface Rule {
  /** Any of these, as whole words, in any case. */
  when: string[]
  say?: string
  tool?: { name: string; arguments: Record<string, unknown> }
}

interface Script {
  rules: Rule[]
  /** Where no rule fits. */
  otherwise: string
  /** What it says when a colleague hands the caller over. */
  on_enter: string
  /** What it says after a tool has answered, by the name of the tool: when nobody takes the call. */
  after: Record<string, string>
}

const sentence = Joi.string().allow('').max(2_000)

/** The `parameter` of a scripted AI. */
export const script = Joi.object<Script>({
  rules: Joi.array()
    .items(
      Joi.object({
        when: Joi.array().items(Joi.string().min(1).max(200)).min(1).max(100).required(),
        say: sentence,
        tool: Joi.object({
          name: Joi.string().max(64).required(),
          arguments: Joi.object().max(50).default({}),
        }),
      }).or('say', 'tool'),
    )
    .max(200)
    .required(),
  otherwise: sentence.default('Sorry, I did not understand that.'),
  on_enter: sentence.default(''),
  after: Joi.object().pattern(Joi.string().max(64), sentence).max(50).default({}),
})

/**
 * A model that is no model: it goes by rules, and needs no provider. A rule whose tool the AI has not got is none: the same
 * AI may be a member of a team, and alone.
 */
export const scripted: Llm = {
  async *complete({ ai, said, tools }: LlmRequest): AsyncGenerator<LlmPiece> {
    const { value } = script.validate(ai.parameter) as { value: Script }
    const last = said.at(-1)
    if (last?.role === 'tool') {
      const text = value.after[nameOf(said, last)] ?? value.on_enter
      if (text) yield { text }
      return
    }
    const isPossible = ({ tool }: Rule) => !tool || tools.some(({ name }) => name === tool.name)
    const rule = ruleFor(value.rules.filter(isPossible), last?.content ?? '')
    const { say = rule ? '' : value.otherwise, tool } = rule ?? {}
    if (say) yield { text: say }
    if (tool) yield { call: { id: `call_${randomUUID()}`, name: tool.name, arguments: JSON.stringify(tool.arguments) } }
  },
}

function nameOf(said: readonly Said[], { tool_call_id }: Said): string {
  const calls = said.flatMap(({ tool_calls = [] }) => tool_calls)
  return calls.find(({ id }) => id === tool_call_id)?.name ?? ''
}

/** The first rule that fits the words; where none does, the first that sounds like them: sales may be understood as sails. */
function ruleFor(rules: readonly Rule[], said: string): Rule | undefined {
  const fits = (spelled: (text: string) => string) => {
    const words = spelled(said)
    return rules.find(({ when }) => when.some((phrase) => words.includes(spelled(phrase))))
  }
  return fits(normal) ?? fits((text) => normal(text).replace(/\p{L}{4,}/gu, soundOf))
}

const alike = ['aeiouyhw', 'bfpv', 'cgjkqsxz', 'dt', 'l', 'mn', 'r']

/** How a word sounds, roughly: its first letter, and the groups of its consonants (Soundex). */
function soundOf(word: string): string {
  const groups = [...word].map((letter) => alike.findIndex((group) => group.includes(letter)))
  const changes = groups.filter((group, index) => index === 0 || (group > 0 && group !== groups[index - 1]))
  return `${word[0]}${changes.slice(1).join('')}`
}

/** Its words, with a space before and after each. */
const normal = (text: string): string =>
  ` ${text
    .toLowerCase()
    .replace(/[’']/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()} `
