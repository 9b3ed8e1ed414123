import Joi from 'joi'
import { parseJson } from '../json.ts'
import { textOf, WebError, type WebAnswer } from '../web.ts'
import type { CallFacts } from '../calls/call.ts'
import { ActionError, webUrl, type Action, type ActionRun } from './action.ts'
import type { House } from './house.ts'

/** What the answer may take of the memory. */
const answerBytes = 262_144

interface FetchOptions {
  event_url: string
  event_method?: 'POST' | 'PUT' | 'GET'
}

/**
 * Asks a URL what to do: tells it about the call, and runs the JSON list of actions that it answers with. After a crash
 * it asks again, with the same idempotency-key.
 */
export const fetch: Action<FetchOptions> = {
  about: 'Tells a URL about the call, and runs the list of actions that it answers with.',
  options: Joi.object({
    event_url: webUrl
      .required()
      .description(
        'It is told about the call as JSON, and answers 2xx with a JSON list of actions; 204 is none. Of a POST that it ' +
          'redirects with 301, 302 or 303 the answer is got without telling again; 307 and 308 are told again.',
      ),
    event_method: Joi.valid('POST', 'PUT', 'GET'),
  }),

  worksWithoutCaller: true,

  async run(
    run: ActionRun<CallFacts>,
    { event_url, event_method: method = 'POST' },
    { web, underway }: Pick<House, 'web' | 'underway'>,
  ) {
    const { call } = run
    const { activeflow_id, customer_id, source, destination } = call.row
    const about = {
      ...{ activeflow_id, customer_id, reference_type: 'call', reference_id: call.id },
      ...{ source, destination, variables: run.variables },
    }
    const headers = { accept: 'application/json', 'idempotency-key': run.id }
    const request = { method, headers, signal: run.signal }
    const told = method === 'GET' ? '' : JSON.stringify(about)
    const body = told && { headers: { ...headers, 'content-type': 'application/json' }, body: told }
    const leave = await underway.enter(run, told.length + answerBytes).catch(inWords)
    const answer = await web
      .request(event_url, { ...request, ...body })
      .catch(inWords)
      .finally(leave)
    if (answer.status < 200 || answer.status > 299)
      throw new ActionError(`the URL answered ${answer.status} and not 200`)
    return { push: answer.status === 204 ? [] : await run.check(parse(answer)) }
  },
}

function inWords(error: unknown): never {
  throw error instanceof WebError ? new ActionError(`the actions could not be fetched: ${error.message}`) : error
}

function parse(answer: WebAnswer): unknown {
  try {
    return parseJson(Buffer.from(textOf(answer)))
  } catch (error) {
    const why = (error as Error).message
    throw new ActionError(error instanceof WebError ? why : `the URL did not answer with JSON: ${why}`)
  }
}
