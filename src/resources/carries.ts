import { HashdialError } from '../errors.ts'

/** What of the site has to do with live calls. Throws where this process carries none. */
export function carries<T>(part: T | undefined): T {
  if (part) return part
  throw new HashdialError('UNAVAILABLE', 'CALLS_UNAVAILABLE', 'this process carries no calls')
}
