import { Direct } from '../directs/direct.ts'
import { Job } from '../database/job.ts'
import { EventCounter } from '../events/record.ts'
import { NodeRecord } from '../nodes/node.ts'
import { Subscriber } from '../registrar/account.ts'
import { Edge, GuessBlock } from '../registrar/edge.ts'
import { Registration, RegistrationChange, RegistrationFailure, RegistrationState } from '../registrar/registration.ts'
import { TrunkAccount, TrunkAddress } from '../registrar/trunk.ts'
import { accesskeys } from './accesskey.ts'
import { activeflows } from './activeflow.ts'
import { AgentCall } from './agent-call.ts'
import { AgentTag } from './agent-tags.ts'
import { AgentToken } from './agent-token.ts'
import { agents } from './agent.ts'
import { aicalls, aimessages } from './aicall.ts'
import { ais } from './ai.ts'
import { calls } from './call.ts'
import { conferences } from './conference.ts'
import { conferencecalls } from './conferencecall.ts'
import { customers } from './customer.ts'
import { events } from './event.ts'
import { deliveries } from './delivery.ts'
import { extensions } from './extension.ts'
import { flows } from './flow.ts'
import { groupcalls } from './groupcall.ts'
import { numbers } from './number.ts'
import { QueueTag } from './queue-tags.ts'
import { queues } from './queue.ts'
import { queuecalls, QueueOffer } from './queuecall.ts'
import { recordings } from './recording.ts'
import type { DialableRow, Resource } from './resource.ts'
import { tags } from './tag.ts'
import { teams } from './team.ts'
import { transcribes, transcripts } from './transcribe.ts'
import { trunks } from './trunk.ts'
import { webhooks } from './webhook.ts'

export type { DialableResource, Resource, Site } from './resource.ts'

/** The registry: a resource is its file and one line here. */
export const resources: readonly Resource[] = [
  customers,
  accesskeys,
  extensions,
  agents,
  tags,
  flows,
  conferences,
  queues,
  ais,
  teams,
  numbers,
  trunks,
  calls,
  groupcalls,
  conferencecalls,
  queuecalls,
  aicalls,
  aimessages,
  activeflows,
  recordings,
  transcribes,
  transcripts,
  events,
  webhooks,
  deliveries,
]

/** Every table, for openDatabase. */
export const entities = [
  ...resources.map(({ entity }) => entity),
  ...[
    Direct,
    Subscriber,
    Registration,
    RegistrationFailure,
    RegistrationChange,
    RegistrationState,
    Edge,
    GuessBlock,
    TrunkAddress,
    TrunkAccount,
    Job,
    EventCounter,
    NodeRecord,
    AgentTag,
    AgentCall,
    AgentToken,
    QueueTag,
    QueueOffer,
  ],
]

/** The resource that a call can go to under this type, as it stands in `directs` and in the SIP form. */
export function dialable(type: string): Resource<DialableRow> | undefined {
  const found = resources.find((resource) => resource.type === type && ('steps' in resource || 'leadsTo' in resource))
  return found as Resource<DialableRow> | undefined
}
