import { HashdialError } from '../errors.ts'

/** Throws where there is something wrong with the fields of a body: all of it, each by its place. */
export function mustBeRight(details: { field: string; problem: string }[]): void {
  if (details.length === 0) return
  const told = details.map(({ field, problem }) => `${field}: ${problem}`).join('; ')
  throw new HashdialError('INVALID_ARGUMENT', 'INVALID_ARGUMENT', told, details)
}
