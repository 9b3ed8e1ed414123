import { httpStatus, type ErrorStatus } from '../errors.ts'
import type { Resource } from '../resources/index.ts'

type Reasons = Record<string, string>

/** Every `reason` that an error can have, by its status, with what it means. A reason never changes its meaning. */
const reasons: Partial<Record<ErrorStatus, Reasons>> = {
  INVALID_ARGUMENT: {
    INVALID_REQUEST: 'The request line or a header cannot be read.',
    INVALID_REQUEST_PARAMETER: 'A query parameter is wrong or unknown.',
    INVALID_ID: 'The id in the path is no UUID.',
    INVALID_PAGE_TOKEN: 'The page token does not come from the list that was asked for.',
    INVALID_JSON_BODY: 'The body is no JSON.',
    INVALID_ARGUMENT: 'A field of the body is wrong, missing or unknown; `details` names each.',
    INVALID_ACTIONS: 'A list of actions is wrong; `details` names each place in it.',
    DESTINATION_NOT_ALLOWED: "A destination is somebody else's, or where customers may not call; `details` says which.",
    HOST_NOT_ALLOWED: 'A URL leads to a host that flows may not reach.',
    LANGUAGE_UNKNOWN: 'The provider does not speak or understand the language.',
    PROVIDER_UNKNOWN: 'There is no such speech provider.',
    VOICE_UNKNOWN: 'The provider has no such voice.',
    SOUND_UNKNOWN: 'What was fetched is no sound that can be played.',
    PROMPT_TOO_LONG: 'What would be said is too long.',
    TEXT_EMPTY: 'There is nothing to say in the text.',
    TEXT_TOO_LONG: 'The text is too long to be said at once.',
  },
  UNAUTHENTICATED: {
    AUTHENTICATION_REQUIRED: 'There is no token in the request.',
    INVALID_CREDENTIALS: 'The token is unknown or has expired.',
    LOGIN_FAILED: 'No agent has this customer, username and password.',
  },
  PERMISSION_DENIED: {
    PERMISSION_DENIED: 'The token is good, but not for this.',
    WRONG_PIN: 'The caller knows no PIN of the conference.',
  },
  NOT_FOUND: {
    ROUTE_NOT_FOUND: 'There is nothing at this path.',
    DESTINATION_NOT_FOUND: 'A destination to call does not exist, or a number has no trunk.',
    RECORDING_FILE_NOT_FOUND: 'The recording has no file any more.',
    SOUND_NOT_FOUND: 'There is no such sound.',
  },
  METHOD_NOT_ALLOWED: { METHOD_NOT_ALLOWED: 'The path has other methods; the header Allow names them.' },
  DEADLINE_EXCEEDED: { REQUEST_TIMEOUT: 'The request did not arrive in time.' },
  FAILED_PRECONDITION: {
    AICALL_ENDED: 'The conversation has ended.',
    AGENT_UNREACHABLE: 'Every agent that is to be called is offline, or has no address.',
    ALREADY_RECORDING: 'The conference is being recorded already.',
    CALL_ALREADY_HANGUP: 'The call has ended.',
    CALL_NOT_READY: 'The call is not in a state for this, as before its answer.',
    CONFERENCECALL_LEFT: 'The participant has left the conference.',
    CONFERENCE_EMPTY: 'Nobody is in the conference.',
    CONFERENCE_FULL: 'The conference has as many participants as it may (`max_participants`).',
    CONFERENCE_LOCKED: 'The conference is locked.',
    CONFERENCE_NOT_READY: 'Asterisk refused what was to be done in the conference.',
    GROUPCALL_ALREADY_HANGUP: 'The groupcall has ended.',
    NOT_CONNECTED: 'The caller is connected with nobody who could be replaced.',
    NOT_RECORDING: 'Nothing is being recorded.',
    SECRET_KEYS_MISSING: 'The installation has no key to keep secrets with (`HASHDIAL_SECRET_KEYS`).',
    QUEUECALL_ENDED: 'The caller is in the queue no more.',
    CALLBACK_TOO_LATE: 'An agent is being called for the caller, or talks with them.',
    CALLBACK_NOWHERE: 'The caller has no number to be called back at.',
    RECORDING_NOT_ENDED: 'The recording is still being made.',
    TRANSCRIBED_ALREADY: 'The call is being transcribed in this direction.',
    MODELS_MISSING: 'The offline models have not been fetched: `npm run models`.',
    SPEECH_NOT_CONFIGURED: 'The provider needs configuration that this installation does not have.',
    WEBHOOK_DISABLED: 'The webhook is disabled.',
  },
  PAYLOAD_TOO_LARGE: { BODY_TOO_LARGE: 'The body is larger than HASHDIAL_BODY_BYTES.' },
  UNSUPPORTED_MEDIA_TYPE: { NOT_JSON: 'The body is not announced as JSON.' },
  RESOURCE_EXHAUSTED: {
    RATE_LIMIT_EXCEEDED: 'Too many requests; the header Retry-After says when to try again.',
    TOO_MANY_CALLS: 'The customer has as many calls as it may have at once (`max_calls`).',
    TOO_MANY_CALLS_PER_SECOND:
      'The customer begins more calls than it may (`calls_per_second`): try again in a moment.',
    TOO_MANY_LEGS: 'The flows of the customer ring more destinations at once than `max_calls` lets them.',
    TOO_MANY_STREAMS: 'The customer has as many WebSockets as it may have (`HASHDIAL_CUSTOMER_STREAMS`).',
    AI_BUDGET_EXHAUSTED: 'The AI talks with as many as it may, or has talked for as long as it may today (`budget`).',
    SPEECH_BUSY: 'Too much speech is waiting to be made.',
  },
  INTERNAL: { INTERNAL: 'A mistake on our side; the log has the request_id.' },
  UNAVAILABLE: {
    ASTERISK_AWAY: 'The Asterisk that it needs is not connected.',
    CALLS_UNAVAILABLE: 'This process carries no calls.',
    CONFERENCE_ELSEWHERE: 'The conference meets at another Asterisk.',
    CALL_ELSEWHERE: 'Another process carries the call, and does not answer.',
    DATABASE_AWAY: 'What has to be stored could not be.',
    DATABASE_UNAVAILABLE: 'The database is away.',
    MODEL_FAILED: 'The model of an AI did not answer.',
    MEDIA_CLOSED: 'The media channel has ended.',
    MEDIA_FAILED: 'Asterisk did not take the media connection.',
    REQUEST_TIMEOUT: 'It took too long.',
    SOUND_NOT_FETCHED: 'The sound could not be fetched.',
    SPEECH_FAILED: 'The speech provider failed.',
    SPEECH_STOPPED: 'Hashdial is being stopped.',
  },
}

export const errorStatuses = Object.keys(httpStatus) as ErrorStatus[]

/** The reasons of one status; each resource has its own for "there is none" and "there is one already". */
export function reasonsOf(status: ErrorStatus, resources: readonly Resource[]): Reasons {
  const of = (some: readonly Resource[], what: string, about: (type: string) => string): Reasons =>
    Object.fromEntries(some.map(({ type }) => [`${type.toUpperCase()}_${what}`, about(type)]))
  if (status === 'ALREADY_EXISTS')
    return of(
      resources.filter(({ unique }) => unique),
      status,
      (type) => `There is one with the same name, so no second ${type}.`,
    )
  const own = reasons[status] ?? {}
  return status === 'NOT_FOUND'
    ? { ...of(resources, status, (type) => `There is no ${type} with this id.`), ...own }
    : own
}

/** All of them, as a table in Markdown. */
export function reasonTable(resources: readonly Resource[]): string {
  const rows = errorStatuses.flatMap((status) =>
    Object.entries(reasonsOf(status, resources)).map(
      ([reason, about]) => `| ${httpStatus[status]} | ${status} | ${reason} | ${about} |`,
    ),
  )
  return ['| HTTP | status | reason | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')
}
