import { performance } from 'node:perf_hooks'

/**
 * How long work may hold the event loop in one of its turns, whoever does it, and how long the calls have it for
 * themselves afterwards. In milliseconds.
 */
const slice = 5
const rest = 5

/** Who waits, by whom the work is for. */
const waiting = new Map<string, (() => void)[]>()
/** When the slice of this turn began; undefined: nobody has had one. */
let begun: number | undefined

/**
 * To be awaited between the parts of long work, the first one too: at once while this turn of the event loop has time
 * left, else when it is the owner's turn. The owners take turns, so who brings much waits for himself.
 */
export async function turn(owner: string): Promise<void> {
  if (begun === undefined) begin()
  else if (performance.now() - begun > slice) {
    await new Promise<void>((resolve) => {
      const own = waiting.get(owner)
      if (own) own.push(resolve)
      else waiting.set(owner, [resolve])
    })
  }
}

function begin(): void {
  begun = performance.now()
  setImmediate(end)
}

/** The turn is over. Who waits comes after a rest, in which events and answers come in. */
function end(): void {
  begun = waiting.size > 0 ? -Infinity : undefined
  if (waiting.size > 0) setTimeout(next, rest)
}

function next(): void {
  const [first] = waiting
  if (!first) return end()
  const [owner, own] = first
  waiting.delete(owner)
  const resolve = own.shift()!
  if (own.length > 0) waiting.set(owner, own) // behind the others
  begin()
  resolve()
}

/** The last of what each owner has under way that takes much memory. */
const last = new Map<string, Promise<unknown>>()

/** Does what takes much memory when what the owner has asked for before is done, however that ended. */
export async function oneAtATime<T>(owner: string, work: () => Promise<T>): Promise<T> {
  const mine = (last.get(owner) ?? Promise.resolve()).then(work)
  const done = mine.catch(() => undefined)
  last.set(owner, done)
  try {
    return await mine
  } finally {
    if (last.get(owner) === done) last.delete(owner)
  }
}
