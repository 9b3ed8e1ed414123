import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { alone } from './lock.ts'
import { debianMirror } from './mirror.ts'
import { ownRecipe, type Recipe } from './recipe.ts'
import { command } from './shell.ts'

export type Progress = (line: string) => void

/** The folder with a small Debian that has every program of the stack; made once, shared by all stacks, never changed. */
export async function ensureRootfs(progress: Progress, recipe = ownRecipe): Promise<string> {
  const rootfs = join(cacheFolder(), `rootfs-${recipeHash(recipe)}`)
  if (existsSync(rootfs)) return rootfs
  mkdirSync(dirname(rootfs), { recursive: true })
  // Two builders at once would waste minutes.
  await alone(
    `${rootfs}.lock`,
    () => progress('another process is building the rootfs: waiting for it'),
    async () => {
      if (!existsSync(rootfs)) await build(rootfs, progress, recipe)
    },
  )
  return rootfs
}

function cacheFolder(): string {
  const cache = process.env.XDG_CACHE_HOME
  return join(cache === undefined || cache === '' ? join(homedir(), '.cache') : cache, 'hashdial')
}

/** A changed recipe is another folder: what was made by the old one is never half-updated. */
function recipeHash({ suite, steps }: Recipe): string {
  return createHash('sha256')
    .update(JSON.stringify([suite, steps]))
    .digest('hex')
    .slice(0, 12)
}

async function build(rootfs: string, progress: Progress, { suite, steps }: Recipe): Promise<void> {
  const building = `${rootfs}.building`
  rmSync(building, { recursive: true, force: true }) // what an interrupted build has left: it has no mounts, see inside()
  progress('making a small Debian for the stack (once, about a minute)')
  await ensureDebootstrap(progress)
  const mirror = process.env.HASHDIAL_DEBIAN_MIRROR ?? debianMirror()
  const include = mirror.startsWith('https:') ? ['--include=ca-certificates'] : []
  const env = { ...process.env, ...(await aptProxy()) }
  // The script is named because a debootstrap that is older than a suite has none of that name.
  await inNamespace(['debootstrap', '--variant=minbase', ...include, suite, building, mirror, suite], env)
  for (const step of steps) {
    progress(`  ${step.title}`)
    await inNamespace(['sh', '-c', inside, 'build', building, step.script], env)
  }
  renameSync(building, rootfs)
  progress(`  done: ${basename(rootfs)}`)
}

const inside = 'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && exec chroot "$1" sh -e -c "$2"'

/** A private mount namespace: whatever is mounted in it is gone when the command ends, also when it is killed. */
function inNamespace(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return command('unshare', ['-m', ...args], { env, title: `making the small Debian (${args[0]})` })
}

async function ensureDebootstrap(progress: Progress): Promise<void> {
  if (existsSync('/usr/sbin/debootstrap')) return
  progress('  installing debootstrap with apt-get')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = () => command('apt-get', ['install', '-y', '--no-install-recommends', 'debootstrap'], { env })
  await install().catch(async () => {
    await command('apt-get', ['update'], { env }) // a fresh image has no package lists
    await install()
  })
}

/** debootstrap downloads by itself and knows nothing of apt's own proxy setting. */
async function aptProxy(): Promise<NodeJS.ProcessEnv> {
  const output = await command('apt-config', ['shell', 'proxy', 'Acquire::http::Proxy'])
  const proxy = /proxy='(.+)'/.exec(output)?.[1]
  return proxy === undefined ? {} : { http_proxy: proxy }
}
