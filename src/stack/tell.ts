import { networkInterfaces } from 'node:os'
import type { Demo } from './demo.ts'
import { StackError } from './shell.ts'

/** Where devices reach us: this machine alone, unless the operator names one of its addresses. */
export function ownAddress(): string {
  const address = process.env.HASHDIAL_ADDRESS?.trim() || '127.0.0.1'
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((entry) => entry.address))
  if (own.includes(address)) return address
  throw new StackError(`HASHDIAL_ADDRESS is ${address}, which is none of this machine’s: ${own.join(', ')}`)
}

/** What a person reads when everything is up. */
export function whatToTry(demo: Demo, seconds: number, howToStop: string): string {
  const [first, second] = demo.extensions
  const proxy = `outbound="sip:${demo.sip_address}"`
  return `
Hashdial is up (${seconds} s).

  Register a softphone as extension ${first?.username}, for example baresip:
    baresip -e '/uanew <sip:${first?.username}@${first?.domain_name}>;auth_pass=${first?.password};${proxy}'
  and anyone can call it, through ${demo.sip_address}, at
    ${first?.direct_uri}
  Extension ${second?.username} (password ${second?.password}):
    ${second?.direct_uri}
  A menu (a flow), by its address and by a number that this machine may call:
    ${demo.flow.direct_uri}
    ${demo.number.uri}
  A conference, which everybody who dials it is in:
    ${demo.conference.direct_uri}
  A queue, where callers wait for the agent:
    ${demo.queue.direct_uri}
  An agent, ${demo.agent.username} (password ${demo.agent.password}), who answers at extension ${first?.username}:
    ${demo.agent.direct_uri}
  An AI, and a team of two: ask for the opening hours, for sales, or for a human, who is extension ${first?.username}:
    ${demo.ai.direct_uri}
    ${demo.team.direct_uri}

  API   ${demo.api_url}/v1.0   (documentation: ${demo.api_url}/docs)
    curl -H 'Authorization: Bearer ${demo.access_key}' ${demo.api_url}/v1.0/extensions
  A new address for an extension, and the old one is dead:
    curl -X POST -H 'Authorization: Bearer …' ${demo.api_url}/v1.0/extensions/<id>/direct-hash-regenerate

  All of this is in .stack/demo.json too. ${howToStop} ends it.
`
}
