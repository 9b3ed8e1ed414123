import { fork } from 'node:child_process'

/**
 * Work that is done beside the event loop, in a process of its own, by a file of ours that talks through `far.ts`. Not in
 * a thread: one that is ended in the middle of native code takes the whole process with it (seen with sherpa-onnx-node
 * 1.13.8: `terminate called after throwing Napi::Error`), and so does a crash in there. Like this it costs no call.
 */
export class Aside {
  readonly #child
  readonly #ended: Promise<void>

  constructor(file: URL, data: unknown) {
    this.#child = fork(file, [JSON.stringify(data ?? null)], {
      serialization: 'advanced', // samples as they are
      execArgv: ['--import', import.meta.resolve('tsx')],
      env: {}, // no secret of ours
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#ended = new Promise((resolve) => this.#child.once('exit', () => resolve()))
    this.hold(false)
  }

  post(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#child.on('message', listener)
  }

  /** It has ended, or could not be started. */
  onEnd(listener: (reason: Error) => void): void {
    this.#child.once('error', listener)
    this.#child.once('exit', (code, signal) =>
      listener(new Error(`a speech process ended with ${signal ?? `code ${code}`}`)),
    )
  }

  /** Whether this process stays alive for it. */
  hold(busy: boolean): void {
    const change = busy ? 'ref' : 'unref'
    this.#child[change]()
    this.#child.channel?.[change]()
  }

  async end(): Promise<void> {
    this.hold(true) // until it is gone
    this.#child.kill('SIGKILL')
    if (this.#child.pid !== undefined) await this.#ended
  }
}
