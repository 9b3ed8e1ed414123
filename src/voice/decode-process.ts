import { readFile } from 'node:fs/promises'
import { answerJobs } from './answer-jobs.ts'
import { decode } from './decode.ts'
import { writePrompt, type PromptPaths } from './prompt-files.ts'

export interface DecodeJob {
  /** The file of somebody else. */
  from: string
  /** Files of ours that are empty. */
  to: PromptPaths
  longestSeconds: number
}

// What is wrong with a file is told to who sent it; the decoders print it too.
Object.assign(console, { error: () => undefined, warn: () => undefined })

/** How long the sound is, in milliseconds. */
answerJobs(async ({ from, to, longestSeconds }: DecodeJob) =>
  writePrompt(to, decode(await readFile(from)), longestSeconds),
)
