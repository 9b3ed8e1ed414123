const benches: Record<string, () => Promise<void>> = {
  register: async () => (await import('./register.ts')).benchRegister(),
  direct: async () => (await import('./direct.ts')).benchDirect(),
  flow: async () => (await import('./flow.ts')).benchFlow(),
  hostile: async () => (await import('./hostile.ts')).benchHostile(),
  fuzz: async () =>
    (await import('./fuzz.ts')).benchFuzz(Number(process.argv[3] ?? 100_000), Number(process.argv[4] ?? 1)),
  conference: async () => (await import('./conference.ts')).benchConference(),
  queue: async () => (await import('./queue.ts')).benchQueue(),
  'queue-chaos': async () => (await import('./queue-chaos.ts')).benchQueueChaos(Number(process.argv[3] ?? 180)),
  voice: async () => (await import('./voice.ts')).benchVoice(),
  memory: async () => (await import('./memory.ts')).benchMemory(),
}

const name = process.argv[2] ?? ''
const bench = benches[name]
if (!bench) {
  console.error(`usage: npm run bench <${Object.keys(benches).join('|')}>`)
  process.exit(1)
}
await bench()
