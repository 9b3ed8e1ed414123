const success = 0
const badFile = 8
const noSeek = 70
const folder = 3
const file = 4

class Exit extends Error {
  constructor(readonly code: number) {
    super(`ended with code ${code}`)
  }
}

/**
 * Runs a WASI program that writes one file, and returns the file. As much of WASI preview 1 as flite uses, in memory:
 * node:wasi crashes now and then when its calls become hot (nodejs/node issue 53087), and wants a real folder.
 */
export function runWasi(program: WebAssembly.Module, args: readonly string[]): Uint8Array {
  const run = new Run(args)
  const instance = new WebAssembly.Instance(program, { wasi_snapshot_preview1: run.calls })
  const { memory, _start } = instance.exports as { memory: { buffer: ArrayBuffer }; _start: () => void }
  run.memory = memory
  try {
    _start()
  } catch (error) {
    if (!(error instanceof Exit) || error.code !== 0) throw error
  }
  return run.written
}

class Run {
  memory: { buffer: ArrayBuffer } = { buffer: new ArrayBuffer(0) }
  #content = new Uint8Array(262_144)
  #length = 0
  #position = 0
  readonly #args: readonly Buffer[]

  constructor(args: readonly string[]) {
    this.#args = args.map((arg) => Buffer.from(`${arg}\0`))
  }

  get written(): Uint8Array {
    return this.#content.subarray(0, this.#length)
  }

  readonly calls = {
    args_sizes_get: (count: number, size: number) => {
      this.#view.setUint32(count, this.#args.length, true)
      return this.#put32(
        size,
        this.#args.reduce((sum, arg) => sum + arg.length, 0),
      )
    },
    args_get: (pointers: number, text: number) => {
      let at = text
      for (const [index, arg] of this.#args.entries()) {
        this.#put32(pointers + 4 * index, at)
        this.#bytes.set(arg, at)
        at += arg.length
      }
      return success
    },
    clock_time_get: (_id: number, _precision: bigint, to: number) => {
      this.#view.setBigUint64(to, BigInt(Date.now()) * 1_000_000n, true)
      return success
    },
    fd_prestat_get: (fd: number, to: number) =>
      fd === folder ? this.#put32(to, 0) || this.#put32(to + 4, 1) : badFile,
    fd_prestat_dir_name: (_fd: number, to: number) => {
      this.#bytes[to] = '/'.charCodeAt(0)
      return success
    },
    fd_fdstat_get: (fd: number, to: number) => {
      const types: Record<number, number> = { [folder]: 3, [file]: 4 }
      this.#bytes.fill(0, to, to + 8)
      this.#bytes.fill(0xff, to + 8, to + 24) // every right
      this.#bytes[to] = types[fd] ?? 2
      return success
    },
    fd_fdstat_set_flags: () => success,
    path_open: (...call: (number | bigint)[]) => {
      this.#length = this.#position = 0
      return this.#put32(Number(call[8]), file)
    },
    fd_read: (_fd: number, _vectors: number, _count: number, to: number) => this.#put32(to, 0),
    fd_write: (fd: number, vectors: number, count: number, to: number) => this.#write(fd, vectors, count, to),
    fd_seek: (fd: number, offset: bigint, whence: number, to: number) => {
      if (fd !== file) return noSeek
      this.#position = Number(offset) + ([0, this.#position, this.#length][whence] ?? 0)
      this.#view.setBigUint64(to, BigInt(this.#position), true)
      return success
    },
    fd_close: () => success,
    proc_exit: (code: number) => {
      throw new Exit(code)
    },
  }

  /** Made anew each time: the memory's buffer is another one after it has grown. */
  get #view(): DataView {
    return new DataView(this.memory.buffer)
  }

  get #bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer)
  }

  #put32(to: number, value: number): number {
    this.#view.setUint32(to, value, true)
    return success
  }

  /** What goes to standard output or error is of no use to anybody. */
  #write(fd: number, vectors: number, count: number, to: number): number {
    let total = 0
    for (let index = 0; index < count; index++) {
      const at = this.#view.getUint32(vectors + 8 * index, true)
      const length = this.#view.getUint32(vectors + 8 * index + 4, true)
      if (fd === file) this.#append(this.#bytes.subarray(at, at + length))
      total += length
    }
    return this.#put32(to, total)
  }

  #append(bytes: Uint8Array): void {
    const end = this.#position + bytes.length
    if (end > this.#content.length) {
      const larger = new Uint8Array(2 * end)
      larger.set(this.#content)
      this.#content = larger
    }
    this.#content.set(bytes, this.#position)
    this.#position = end
    this.#length = Math.max(this.#length, end)
  }
}
