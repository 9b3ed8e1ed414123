import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan } from './part.ts'
import { checkout } from './room.ts'
import { giveTo, writeSecret, type Site } from './site.ts'

export function ariUrl({ secrets, ports }: Site): string {
  return `http://hashdial:${secrets.ari}@127.0.0.1:${ports.ari}`
}

/**
 * With glibc's malloc Asterisk's memory grows by a fifth from one ten thousand calls to the next, and a call takes a tenth
 * more of its time (Asterisk's own remedy is a timer: contrib/systemd/asterisk-malloc-trim.service). MySQL's package
 * brings this one; where it is missing the loader says so in the log, and goes on without.
 */
const tcmalloc = 'LD_PRELOAD=libtcmalloc_minimal.so.4'

/** Our own Asterisk: the shipped files as they are, and this site's values in a folder beside them. */
export function asteriskPlan(site: Site): Plan {
  const { room } = site
  const user = 'asterisk'
  return {
    name: 'asterisk',
    seconds: 60,
    listens: [
      { transport: 'udp', address: '127.0.0.1', port: site.ports.asteriskSip },
      { transport: 'tcp', address: '127.0.0.1', port: site.ports.ari },
    ],
    prepare() {
      furnishConfiguration(room.rootfs, join(room.folder, 'asterisk/etc'))
      const folders = ['lib', 'log', 'spool'].map((name) => `asterisk/${name}`)
      for (const name of ['recording', 'outgoing', 'tmp']) {
        mkdirSync(join(room.folder, 'asterisk/spool', name), { recursive: true })
        folders.push(`asterisk/spool/${name}`)
      }
      const files = writeAsteriskSite(site, 'asterisk/etc/site')
      giveTo(room, user, 'run/asterisk', ...folders, ...files)
    },
    spawn: (options) => room.spawn('env', [tcmalloc, 'asterisk', '-f', '-n'], { ...options, user }),
    answers: () => answersAri(site),
  }
}

/**
 * Debian's own files with the shipped ones in their place, as on a machine that got both. Links are enough, because the
 * checkout lies at /hashdial in there: what is edited is what runs after a restart.
 */
function furnishConfiguration(rootfs: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  cpSync(join(rootfs, 'etc/asterisk'), folder, { recursive: true })
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o755) // they were the rootfs’s asterisk’s own
  for (const from of ['asterisk', 'asterisk/standalone']) {
    for (const name of readdirSync(join(checkout, from)).filter((file) => file.endsWith('.conf'))) {
      rmSync(join(folder, name), { force: true })
      symlinkSync(`/hashdial/${from}/${name}`, join(folder, name))
    }
  }
}

/** Writes what is particular to this site, and returns the names of the files. */
export function writeAsteriskSite(site: Site, folder: string): string[] {
  return Object.entries(siteFiles(site)).map(([name, text]) => {
    writeSecret(join(site.room.folder, folder, name), text)
    return join(folder, name)
  })
}

function siteFiles({ ports, secrets, address }: Site): Record<string, string> {
  const pjsip = [
    '[hashdial](+type=transport)',
    `bind = 127.0.0.1:${ports.asteriskSip}`,
    '[hashdial](+type=endpoint)',
    `outbound_proxy = sip:127.0.0.1:${ports.sip}\\;lr`,
    `media_address = ${address}`,
    ...(address.includes(':') ? ['rtp_ipv6 = yes'] : []),
    'bind_rtp_to_media_address = yes',
    // This Kamailio has no calls but Hashdial's. A request that came to it at an address is sent on from there.
    '[0-hashdial](+type=identify)',
    ...[...new Set(['127.0.0.1', address])].map((ip) => `match = ${ip}`),
  ]
  return {
    'pjsip.conf': lines(pjsip),
    'ari.conf': lines(['[hashdial](+)', `password = ${secrets.ari}`]),
    'http.conf': lines(['[general](+)', `bindport = ${ports.ari}`]),
    'rtp.conf': lines([`rtpstart = ${ports.rtpFrom}`, `rtpend = ${ports.rtpTo}`]),
  }
}

const lines = (text: readonly string[]): string => `${text.join('\n')}\n`

/** ARI answers before every module is up: SIP is there when its channel driver runs. */
async function answersAri(site: Site): Promise<boolean> {
  const url = new URL('/ari/asterisk/modules/chan_pjsip.so', ariUrl(site))
  const authorization = `Basic ${Buffer.from(`hashdial:${site.secrets.ari}`).toString('base64')}`
  url.username = url.password = ''
  return fetch(url, { headers: { authorization }, signal: AbortSignal.timeout(2000) })
    .then(async (response) => ((await response.json()) as { status?: string }).status === 'Running')
    .catch(() => false)
}
