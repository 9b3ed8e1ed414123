/** What is used of sherpa-onnx-node, which has no types. */
declare module 'sherpa-onnx-node' {
  interface Stream {
    acceptWaveform(sound: { samples: Float32Array; sampleRate: number }): void
  }
  interface OfflineRecognizer {
    createStream(): Stream
    decode(stream: Stream): void
    getResult(stream: Stream): { text: string }
  }
  interface Vad {
    acceptWaveform(samples: Float32Array): void
    isDetected(): boolean
    isEmpty(): boolean
    /** `false`: a copy, because the memory of the library’s own is not to be sent on. */
    front(external: false): { start: number; samples: Float32Array }
    pop(): void
    flush(): void
  }
  const sherpa: {
    OfflineRecognizer: new (config: object) => OfflineRecognizer
    Vad: new (config: object, bufferSeconds: number) => Vad
  }
  export default sherpa
}

/** What is used of WebAssembly, whose types come with a browser’s only. */
declare namespace WebAssembly {
  interface Module {
    readonly brand: unique symbol
  }
  interface Instance {
    readonly exports: Readonly<Record<string, unknown>>
  }
  const Instance: new (module: Module, imports: object) => Instance
  function compile(bytes: Uint8Array): Promise<Module>
}
