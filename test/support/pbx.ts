import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Room } from '../../src/stack/room.ts'
import { becomesTrue } from '../../src/stack/shell.ts'
import type { Stack } from '../../src/stack/stack.ts'
import { freePort } from './ports.ts'
import type { Account } from './softphone.ts'

let number = 0

/** A telephone company, as Hashdial sees it: where its calls come from, what it logs in with, and who calls. */
export interface Carrier {
  address: string
  login?: { username: string; password: string }
  caller: string
}

/**
 * Somebody’s PBX: a second Asterisk that registers as an extension, answers what comes in and sends back what it hears:
 * a phone that hears its own tone is heard. It knows nothing of Hashdial but the account that its owner was given.
 * A carrier is the same without a registration.
 */
export class Pbx {
  readonly #room: Room
  readonly #process: ChildProcess

  private constructor(
    stack: Stack,
    files: Record<string, string>,
    /** Where calls to it are sent. */
    readonly domain: string,
  ) {
    this.#room = new Room(stack.rootfs, join(stack.folder, `pbx-${process.pid}-${number++}`))
    mkdirSync(this.#room.folder, { recursive: true })
    this.#room.furnish()
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(this.#room.folder, 'asterisk/etc', name), text)
    }
    chmodSync(this.#room.folder, 0o755)
    this.#process = this.#room.spawn('asterisk', ['-f', '-n'], { stdio: 'ignore' })
  }

  /** Starts it and waits until it is registered. */
  static async start(stack: Stack, account: Account): Promise<Pbx> {
    const port = await freePort()
    const pbx = new Pbx(stack, configuration(withAccount(account), port, stack.ports.sip), `127.0.0.1:${port}`)
    const registered = await becomesTrue(20_000, async () =>
      (await pbx.cli('pjsip show registrations')).includes(' Registered'),
    )
    if (registered) return pbx
    const state = await pbx.cli('pjsip show registrations')
    await pbx.stop()
    throw new Error(`the PBX is not registered: ${state}`)
  }

  static async carrier(stack: Stack, carrier: Carrier): Promise<Pbx> {
    const port = await freePort(carrier.address)
    const files = configuration(withTrunk(carrier), port, stack.ports.sip, carrier.address)
    const pbx = new Pbx(stack, files, `${carrier.address}:${port}`)
    if (await becomesTrue(20_000, async () => (await pbx.cli('pjsip show endpoints')).includes('provider'))) return pbx
    await pbx.stop()
    throw new Error('the carrier does not come up')
  }

  async cli(command: string): Promise<string> {
    return (await this.#room.run('asterisk', ['-rx', command])).output
  }

  /** Calls an address, and sends back what it hears there. */
  async dial(uri: string): Promise<void> {
    await this.cli(`channel originate PJSIP/provider/${uri} extension talk@pbx`)
  }

  async channels(): Promise<number> {
    return Number(/^(\d+) active channel/m.exec(await this.cli('core show channels'))?.[1] ?? NaN)
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGKILL')
      await once(this.#process, 'exit')
    }
    rmSync(this.#room.folder, { recursive: true, force: true })
  }
}

const modules = `res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb pbx_config res_pjproject
res_pjsip res_pjsip_session res_pjsip_pubsub res_pjsip_sdp_rtp res_pjsip_caller_id res_pjsip_nat
res_pjsip_endpoint_identifier_ip res_pjsip_authenticator_digest res_pjsip_outbound_authenticator_digest
res_pjsip_outbound_registration chan_pjsip res_rtp_asterisk codec_ulaw codec_resample format_wav bridge_simple
app_echo res_clioriginate`

interface Line {
  /** Whole sections of pjsip.conf; `{proxy}` is the line that names Hashdial's edge. */
  sections: string
  /** Lines of the endpoint. */
  endpoint: string
}

// An Asterisk waits up to 10 s before it registers, so that a thousand of them do not do it at once.
const withAccount = ({ username, domain, password }: Account): Line => ({
  sections: `${auth(username, password ?? '')}[provider]
type = registration
transport = transport
outbound_auth = account
server_uri = sip:${domain}
client_uri = sip:${username}@${domain}
contact_user = reception
retry_interval = 2
max_random_initial_delay = 0
{proxy}
`,
  endpoint: `outbound_auth = account
from_user = ${username}
from_domain = ${domain}`,
})

const withTrunk = ({ login, caller }: Carrier): Line => ({
  sections: login ? auth(login.username, login.password) : '',
  endpoint: `${login ? 'outbound_auth = account\n' : ''}from_user = ${caller}
from_domain = carrier.test`,
})

const auth = (username: string, password: string): string => `[account]
type = auth
auth_type = userpass
username = ${username}
password = ${password}
`

/** What an administrator writes who connects his PBX to a provider. */
function configuration(line: Line, port: number, edge: number, address = '127.0.0.1'): Record<string, string> {
  const proxy = `outbound_proxy = sip:127.0.0.1:${edge}\\;lr`
  return {
    'asterisk.conf': '[options]\nhideconnect = yes\n',
    'modules.conf': `[modules]\nautoload = no\n${modules.replace(/\S+/g, 'load = $&.so\n')}`,
    'rtp.conf': '[general]\nrtpstart = 30000\nrtpend = 30999\n',
    'logger.conf': '[logfiles]\nmessages => notice,warning,error\n',
    'extensions.conf': `[pbx]
exten => talk,1,Answer()
 same => n,Echo()
exten => reception,1,Goto(talk,1)
exten => _+X.,1,Goto(talk,1)
`,
    'pjsip.conf': `[transport]
type = transport
protocol = udp
bind = ${address}:${port}
${line.sections.replaceAll('{proxy}', proxy)}[provider]
type = endpoint
transport = transport
context = pbx
direct_media = no
disallow = all
allow = ulaw
${line.endpoint}
${proxy}
[provider]
type = identify
endpoint = provider
match = 127.0.0.1
`,
  }
}
