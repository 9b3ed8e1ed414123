import type { KeyRing } from '../database/secrets.ts'
import { HashdialError } from '../errors.ts'
import type { Site } from './resource.ts'

/** What encrypts secrets of resources. Throws where the operator has given no key for it. */
export function keysOf({ secrets }: Site): KeyRing {
  if (secrets?.isUsable) return secrets
  const how = 'there is no key to keep the secret with: the operator has to set HASHDIAL_SECRET_KEYS'
  throw new HashdialError('FAILED_PRECONDITION', 'SECRET_KEYS_MISSING', how)
}
