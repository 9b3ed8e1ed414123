import type { Call } from '../calls/call.ts'
import type { CallRun, StepLike } from '../calls/run.ts'
import type { Entry } from '../database/write-behind.ts'

/** The flow whose actions are run. */
export interface FlowReference {
  id: string
  on_complete_flow_id: string | null
}

/** What a call gets when it is answered. */
export interface FlowRequest {
  actions: readonly StepLike[]
  flow: FlowReference | null
  /** It begins while the call rings. */
  early: boolean
  variables: Record<string, string>
}

/** What runs for a call; the engine is above. */
export interface CallFlow {
  readonly early: boolean
  /** Its row and what is told of it, to be stored with the call's. */
  entries(): Entry[]
  /** Runs it to its end, and the call's. Never rejects. */
  run(): Promise<void>
  /** Ends it without any more of it. Never rejects. */
  end(): Promise<void>
}

export type MakeFlow = (run: CallRun<Call>, request: FlowRequest) => CallFlow
