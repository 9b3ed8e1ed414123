const messages = 'sends messages, which is another product: let webhook_send tell a program that does'

/** Actions that flows of the same language have and this product leaves to others, and what to do instead. */
const others: Record<string, string> = {
  email_send: 'sends e-mail, which is another product: let webhook_send tell a program that does',
  message_send: messages,
  conversation_send: messages,
  case_create: 'opens a case of a help desk, which is another product: let webhook_send tell it',
  ai_summary: 'works on what was said in another product: use transcribe_start, and summarize what it sends you',
  transcribe_recording: 'is not done here: use transcribe_start while the call lasts',
  condition_call_digits: 'is out of use: use condition_variable with the variable hashdial.call.digits',
  condition_call_status: 'is out of use: a flow runs while its call lasts, so there is nothing to be asked',
  stream_echo: 'has another name here: use echo',
}

/** Why there is no such action. */
export function unsupported(type: string): string {
  const word = type.slice(0, 40)
  if (type.startsWith('campaign')) return `"${word}" belongs to campaigns, which are another product`
  return Object.hasOwn(others, type) ? `"${word}" ${others[type]}` : `"${word}" is none of the actions that there are`
}
