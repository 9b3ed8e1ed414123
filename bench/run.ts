const benches: Record<string, () => Promise<void>> = {
  register: async () => (await import('./register.ts')).benchRegister(),
  direct: async () => (await import('./direct.ts')).benchDirect(),
  flow: async () => (await import('./flow.ts')).benchFlow(),
  hostile: async () => (await import('./hostile.ts')).benchHostile(),
  memory: async () => (await import('./memory.ts')).benchMemory(),
}

const name = process.argv[2] ?? ''
const bench = benches[name]
if (!bench) {
  console.error(`usage: npm run bench <${Object.keys(benches).join('|')}>`)
  process.exit(1)
}
await bench()
