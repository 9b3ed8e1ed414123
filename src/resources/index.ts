import { Direct } from '../directs/direct.ts'
import { Job } from '../database/job.ts'
import { Subscriber } from '../registrar/account.ts'
import { Edge, GuessBlock } from '../registrar/edge.ts'
import { Registration, RegistrationFailure } from '../registrar/registration.ts'
import { accesskeys } from './accesskey.ts'
import { activeflows } from './activeflow.ts'
import { calls } from './call.ts'
import { customers } from './customer.ts'
import { extensions } from './extension.ts'
import type { DialableResource, Resource } from './resource.ts'

export type { DialableResource, Resource, Site } from './resource.ts'

/** The registry: a resource is its file and one line here. */
export const resources: readonly Resource[] = [customers, accesskeys, extensions, calls, activeflows]

/** Every table, for openDatabase. */
export const entities = [
  ...resources.map(({ entity }) => entity),
  ...[Direct, Subscriber, Registration, RegistrationFailure, Edge, GuessBlock, Job],
]

/** The resource that can be dialled under this type, as it stands in `directs` and in the SIP form. */
export function dialable(type: string): DialableResource | undefined {
  return resources.find((resource): resource is DialableResource => resource.type === type && isDialable(resource))
}

export function isDialable(resource: Resource): resource is DialableResource {
  return resource.direct !== undefined && resource.steps !== undefined
}
