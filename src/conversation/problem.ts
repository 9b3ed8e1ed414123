import { HashdialError } from '../errors.ts'

/** What is logged of an error. What a server says may have what the caller has said in it: its message is not. */
export const problemOf = (error: unknown): string =>
  error instanceof HashdialError ? error.reason : ((error as Error | undefined)?.name ?? 'unknown')
