import type { PartKind, PartStore } from '../calls/parts.ts'
import type { WriteBehind } from '../database/write-behind.ts'
import type { Logger } from '../log.ts'
import type { Voice } from '../voice/voice.ts'
import { Recordings } from './recordings.ts'
import { Transcribes } from './transcribes.ts'

/** The registry of the parts that a call may have: a kind is its file and one line here. */
export function createParts(store: PartStore, writes: WriteBehind, voice: Voice, log: Logger) {
  return {
    recordings: new Recordings(store.database, store, log),
    transcribes: new Transcribes(store.database, { store, voice, writes }),
  } satisfies Record<string, PartKind>
}
