/** HTTP status of each error status of the API (see the contract's list). */
export const httpStatus = {
  INVALID_ARGUMENT: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  DEADLINE_EXCEEDED: 408,
  ALREADY_EXISTS: 409,
  FAILED_PRECONDITION: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
} as const

export type ErrorStatus = keyof typeof httpStatus

/**
 * An error that a caller of the API may see.
 * `reason` is stable (`EXTENSION_NOT_FOUND`), `message` says what was wrong and how to mend it.
 */
export class HashdialError extends Error {
  override name = 'HashdialError'

  constructor(
    readonly status: ErrorStatus,
    readonly reason: string,
    message: string,
    readonly details: readonly object[] = [],
  ) {
    super(message)
  }

  get httpStatus(): number {
    return httpStatus[this.status]
  }
}
