import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HashdialError } from '../errors.ts'

/** The files of the offline transcriber with their sha256; `npm run models` fetches them. */
export const modelFiles = {
  'silero_vad_v5.onnx': '2623a2953f6ff3d2c1e61740c6cdb7168133479b267dfef114a4a3cc5bdd788f',
  'encoder_model.onnx': 'c6fc4b7bc5af75c0591fd157a1f3829b533d18e9769a888fd95a62e470dd4f4a',
  'decoder_model_merged.onnx': 'eed87831c3a6103534aae7d47a5d485025c659a1323901513961c39fe8a1a367',
  'tokens.txt': '54cea38dc4c79d5e5765536b059261419279eaaed5447b1aaf27aeda0a25ced3',
} as const

export type ModelFile = keyof typeof modelFiles
export type ModelPaths = Readonly<Record<ModelFile, string>>

const checked = new Map<string, Promise<ModelPaths>>()

/** The models in `folder`, each checked once: a damaged one would end the whole process in the library’s C++. */
export function checkModels(folder: string): Promise<ModelPaths> {
  let result = checked.get(folder)
  if (!result) {
    result = check(folder)
    checked.set(folder, result)
    result.catch(() => checked.delete(folder)) // they may be fetched while we run
  }
  return result
}

async function check(folder: string): Promise<ModelPaths> {
  if (folder === '') throw missing('no folder is configured')
  const entries = Object.entries(modelFiles).map(async ([name, sha256]) => {
    const file = join(folder, name)
    const content = await readFile(file).catch(() => undefined)
    if (!content) throw missing(`${name} is not in ${folder}`)
    if (sha256Of(content) !== sha256) throw missing(`${name} in ${folder} is damaged, remove the folder`)
    return [name, file] as const
  })
  return Object.fromEntries(await Promise.all(entries)) as ModelPaths
}

export function sha256Of(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

function missing(what: string): HashdialError {
  const message = `the models for offline speech recognition are missing (${what}); run: npm run models`
  return new HashdialError('FAILED_PRECONDITION', 'MODELS_MISSING', message)
}
