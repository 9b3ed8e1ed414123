import { constants, setPriority } from 'node:os'

/** The far side of `Aside`: what runs in a process of its own for the main one. */

// Speech may wait a little; the calls of the main process may not.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL)

/** What it was given at its start. */
export const data: unknown = JSON.parse(process.argv[2] ?? 'null')

export function tell(message: object): void {
  process.send?.(message, undefined, undefined, () => undefined) // the main process may be gone
}

export function listen<Message>(on: (message: Message) => void | Promise<void>): void {
  process.on('message', (message: Message) => void on(message))
  process.on('disconnect', () => process.exit())
  // Ctrl-C reaches the whole group: the main process decides when it ends, and this one with it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
}
