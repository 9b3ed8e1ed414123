import { AriError } from '../ari/types.ts'
import type { Call } from './call.ts'

/** Makes a bridge; one that an earlier run has made stays as it is. */
export async function ensureBridge({ node }: Call, bridgeId: string): Promise<void> {
  await node.ari.bridges.createWithId({ bridgeId, type: 'mixing' }).catch(ignoreConflict)
}

/** For what is to be made, and is there already: that is 409. */
export function ignoreConflict(error: unknown): void {
  if (!(error instanceof AriError) || error.status !== 409) throw error
}
