import { randomUUID } from 'node:crypto'

/** What a caller may say is understood by rules, and by a transcriber that knows no context: so each has several words. */
const human = ['human', 'person', 'people', 'operator', 'someone', 'somebody', 'agent', 'give me', 'connect me', 'men']
const sales = ['sales', 'sale', 'salem', 'seal', 'signals', 'buy', 'order', 'talk to']
const goodbye = ['goodbye', 'good by', 'good bye', 'bye', 'thats all', 'thank you']

const operator = (extension: string) => ({
  ...{ name: 'operator', description: 'A human at the front desk', type: 'extension', target_name: extension },
  handover: 'warm',
})

const toHuman = {
  when: human,
  say: 'I will see whether somebody is there. One moment, please.',
  tool: { name: 'connect_call', arguments: { name: 'operator' } },
}
const nobody = { connect_call: 'I am sorry, nobody took the call. What else can I do for you?' }
const farewell = { when: goodbye, say: 'Thank you for calling. Goodbye.', tool: { name: 'stop_flow' } }

/** An AI that needs no provider: it answers a question, connects with a human, and says goodbye. */
export const demoAi = (extension: string) => ({
  ...{ name: 'Reception', engine_type: 'scripted', tts_voice_id: 'slt', stt_language: 'en-US' },
  greeting: 'Welcome to Hashdial. You can ask for our opening hours, for sales, or for a human.',
  tool_names: ['connect_call', 'stop_flow'],
  destinations: [operator(extension)],
  parameter: {
    rules: [
      {
        when: ['open', 'opening', 'hours', 'when are you'],
        say: 'We are open from nine to five, from Monday to Friday.',
      },
      toHuman,
      { when: sales, say: 'I connect you with our sales department.', tool: { name: 'to_sales' } },
      farewell,
    ],
    otherwise: 'Sorry, I did not understand that. You can ask for our opening hours, for sales, or for a human.',
    on_enter: 'You are at the reception again. What can I do for you?',
    after: nobody,
  },
})

/** Its colleague, with another voice. */
export const demoSales = (extension: string) => ({
  ...{ name: 'Sales', engine_type: 'scripted', tts_voice_id: 'rms', stt_language: 'en-US' },
  tool_names: ['connect_call', 'stop_flow'],
  destinations: [operator(extension)],
  parameter: {
    rules: [
      { when: ['price', 'cost', 'much'], say: 'Hashdial costs nothing, and works on your own machines.' },
      { when: ['reception', 'back'], tool: { name: 'to_reception' } },
      toHuman,
      farewell,
    ],
    otherwise: 'You can ask me what it costs, or for a human.',
    on_enter: 'This is the sales department. What would you like to know?',
    after: nobody,
  },
})

/** The two of them, each of whom can hand the caller over to the other. */
export function demoTeam(receptionId: string, salesId: string) {
  const [reception, sales] = [randomUUID(), randomUUID()]
  const to = (function_name: string, next_member_id: string) => [{ function_name, description: '', next_member_id }]
  return {
    ...{ name: 'Front desk', start_member_id: reception },
    members: [
      { id: reception, name: 'Reception', ai_id: receptionId, transitions: to('to_sales', sales) },
      { id: sales, name: 'Sales', ai_id: salesId, transitions: to('to_reception', reception) },
    ],
  }
}
