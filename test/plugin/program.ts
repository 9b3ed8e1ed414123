import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { becomesTrue } from '../../src/stack/shell.ts'

/** A program of the operator's, with what it wrote. */
export class Program {
  log = ''

  private constructor(
    readonly name: string,
    readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.log = (this.log + chunk.toString()).slice(-20_000)))
    }
  }

  static async start(name: string, child: ChildProcess, answers: () => Promise<boolean>): Promise<Program> {
    const program = new Program(name, child)
    const up = await becomesTrue(180_000, async () => program.ended || (await answers()))
    if (up && !program.ended) return program
    await program.stop()
    throw new Error(`${name} does not start:\n${program.log}`)
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  async stop(): Promise<void> {
    if (this.ended) return
    this.child.kill('SIGKILL')
    await once(this.child, 'exit')
  }

  /** It is there, and does not answer. */
  hang(): void {
    this.child.kill('SIGSTOP')
  }

  goOn(): void {
    this.child.kill('SIGCONT')
  }
}
