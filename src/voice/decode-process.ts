import { readFile } from 'node:fs/promises'
import { constants, setPriority } from 'node:os'
import { HashdialError } from '../errors.ts'
import { answerJobs } from './answer-jobs.ts'
import { decode } from './decode.ts'
import { writePrompt, type PromptPaths } from './prompt-files.ts'
import { WavError } from './wav.ts'

export interface DecodeJob {
  /** The file of somebody else. */
  from: string
  /** Files of ours that are empty. */
  to: PromptPaths
  longestSeconds: number
}

// Less than what speech gets: a sound of the web may be late, and whoever plays many must not cost others their calls.
setPriority(constants.priority.PRIORITY_LOW)

// What is wrong with a file is told to who sent it; the decoders print it too.
Object.assign(console, { error: () => undefined, warn: () => undefined })

/** How long the sound is, in milliseconds, or what is wrong with it. */
export type Decoded = { milliseconds: number } | { problem: string }

answerJobs(async ({ from, to, longestSeconds }: DecodeJob): Promise<Decoded> => {
  try {
    return { milliseconds: await writePrompt(to, decode(await readFile(from)), longestSeconds) }
  } catch (error) {
    if (error instanceof WavError || error instanceof HashdialError) return { problem: error.message }
    throw error
  }
})
