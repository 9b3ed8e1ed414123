import Joi from 'joi'
import type { CallFacts } from '../calls/call.ts'
import { WebError, type WebRequest } from '../web.ts'
import { ActionError, webUrl, type Action, type ActionRun } from './action.ts'
import type { House } from './house.ts'

/** What the answer to a request may take of the memory, beside the request. */
const answerBytes = 65_536

interface WebhookOptions {
  uri: string
  method?: 'POST' | 'PUT' | 'GET' | 'DELETE'
  data_type?: string
  /** Text, or an object that is sent as JSON: what a variable brings cannot change the meaning of that. */
  data?: string | object
  /** Wait for the answer, and note when it is not a good one. */
  sync?: boolean
}

/** Tells a URL something. After a crash a `sync` one tells it again, with the same idempotency-key. */
export const webhook_send: Action<WebhookOptions> = {
  about: 'Sends a request to a URL.',
  options: Joi.object({
    uri: webUrl
      .required()
      .description(
        'Any 2xx is a delivery. Redirects with 307 and 308 are followed with the data; those with 301, 302 and 303 would ' +
          'turn it into a GET without the data, and count as not delivered (of a PUT or DELETE only 303).',
      ),
    method: Joi.valid('POST', 'PUT', 'GET', 'DELETE'),
    data_type: Joi.string()
      .max(255)
      .pattern(/^[\x20-\x7e]+$/),
    data: [Joi.string().allow('').max(65_536), Joi.object().unknown()],
    sync: Joi.boolean(),
  }),

  worksWithoutCaller: true,
  instant: true,

  async run(
    run: ActionRun<CallFacts>,
    { uri, method = 'POST', data_type, data = '', sync = false },
    { web, underway }: Pick<House, 'web' | 'underway'>,
  ) {
    const isText = typeof data === 'string'
    const body = isText ? data : JSON.stringify(data)
    const type = data_type ?? (isText && !isJson(body) ? 'text/plain; charset=utf-8' : 'application/json')
    const headers = { 'idempotency-key': run.id, ...(body && { 'content-type': type }) }
    // One that nobody waits for may outlive the call: it is often the last that a flow does.
    const request = { method, headers, keepsMethod: true, ...(body && { body }), ...(sync && { signal: run.signal }) }
    const leave = await underway.enter(run, Buffer.byteLength(body) + answerBytes).catch(inWords)
    const sent = send(web, uri, request).finally(leave)
    if (sync) await sent
    else sent.catch((error: unknown) => run.call.log.warn({ err: error as Error }, 'a webhook was not delivered'))
  },
}

async function send(web: House['web'], uri: string, request: WebRequest): Promise<void> {
  const { status } = await web.request(uri, request).catch(inWords)
  if (status < 200 || status > 299) throw new ActionError(`the webhook was answered with ${status}`)
}

function inWords(error: unknown): never {
  throw error instanceof WebError ? new ActionError(`the webhook was not delivered: ${error.message}`) : error
}

function isJson(text: string): boolean {
  return /^\s*[[{]/.test(text)
}
