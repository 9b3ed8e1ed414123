import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'

/** The checkout that this file belongs to. */
export const checkout = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** Folders of the stack that lie over the rootfs’s own, so that every program finds its files where Debian has them. */
const overlays: Record<string, string> = {
  run: '/run',
  'asterisk/etc': '/etc/asterisk',
  'asterisk/lib': '/var/lib/asterisk',
  'asterisk/log': '/var/log/asterisk',
  'asterisk/spool': '/var/spool/asterisk',
}

/**
 * Enters the rootfs in a private mount namespace: the stack’s folder is /stack there, the shipped configuration is
 * /hashdial (read-only), and the rootfs itself is read-only, so that two stacks can share it. No mount is visible
 * outside, and all are gone with the process. `exec` at every step: the pid stays the one that was spawned.
 */
const enter = (folders: Record<string, string>) => `
set -e
root=$1 stack=$2 checkout=$3 user=$4
shift 4
mount --bind "$root" "$root"
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --bind "$stack" "$root/stack"
mount --bind "$stack/hosts" "$root/etc/hosts"
if [ -f "$root/etc/resolv.conf" ] && [ -f /etc/resolv.conf ]; then mount --bind /etc/resolv.conf "$root/etc/resolv.conf"; fi
${Object.entries(folders)
  .map(([from, to]) => `mount --bind "$stack/${from}" "$root${to}"`)
  .join('\n')}
closed=$(cd "$checkout" && find asterisk kamailio test ! -perm -o=r -print -quit)
for folder in asterisk kamailio test; do
  if [ -z "$closed" ]; then mount --bind "$checkout/$folder" "$root/hashdial/$folder"
  else # cloned with umask 077, and the users in here are not root
    mount -t tmpfs -o mode=755 tmpfs "$root/hashdial/$folder"
    cp -r "$checkout/$folder/." "$root/hashdial/$folder"
    chmod -R a+rX "$root/hashdial/$folder"
  fi
  mount -o remount,bind,ro "$root/hashdial/$folder"
done
mount -o remount,bind,ro "$root"
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -H -n)"
exec chroot --userspec="$user" "$root" "$@"
`

export interface ProgramOptions {
  /** A user of the rootfs; root when absent. */
  user?: string | undefined
  env?: NodeJS.ProcessEnv | undefined
  stdio?: StdioOptions | undefined
  detached?: boolean | undefined
}

/** What the programs of one stack see: the shared rootfs with the stack’s own folder in it. */
export class Room {
  readonly #overlays: Record<string, string>

  constructor(
    readonly rootfs: string,
    readonly folder: string,
    /** More folders of this stack, and over what they lie: `{ 'kamailio/etc': '/etc/kamailio' }`. */
    more: Record<string, string> = {},
  ) {
    this.#overlays = { ...overlays, ...more }
  }

  /** Makes the folders and /etc/hosts. Asterisk waits 5 s a call for DNS where the machine’s name does not resolve. */
  furnish(): void {
    for (const name of ['run/asterisk', 'run/kamailio', 'run/mysqld', ...Object.keys(this.#overlays)]) {
      mkdirSync(join(this.folder, name), { recursive: true })
    }
    for (const name of ['asterisk', 'kamailio', 'test']) mkdirSync(join(checkout, name), { recursive: true })
    writeFileSync(join(this.folder, 'hosts'), `127.0.0.1 localhost ${hostname()}\n::1 localhost ip6-localhost\n`)
  }

  /** Starts a program inside. Only what it needs of the environment is passed on. */
  spawn(program: string, args: readonly string[], options: ProgramOptions = {}): ChildProcess {
    const { user = 'root', stdio = 'pipe', detached = false } = options
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/tmp', LC_ALL: 'C.UTF-8', ...options.env }
    // What is not detached ends with us, however we end: no softphone of a test that was killed stays behind.
    // Twice: the kernel takes the leash off where the user changes (PR_SET_PDEATHSIG in prctl(2)).
    const leash = detached ? [] : ['setpriv', '--pdeathsig', 'KILL']
    const command = [
      ...leash,
      'unshare',
      '-m',
      'sh',
      '-c',
      enter(this.#overlays),
      program,
      this.rootfs,
      this.folder,
      checkout,
      user,
      ...leash,
      program,
      ...args,
    ]
    return spawn('env', command, { env, stdio, detached })
  }

  /** Runs a program inside to its end and returns what it wrote. */
  run(
    program: string,
    args: readonly string[],
    options: ProgramOptions = {},
  ): Promise<{ code: number; output: string }> {
    return new Promise((resolve, reject) => {
      const child = this.spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
      let output = ''
      child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
      child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
      child.on('error', reject)
      child.on('close', (code) => resolve({ code: code ?? -1, output }))
    })
  }
}
