import { readFileSync, readdirSync } from 'node:fs'
import test from 'ava'

/** The floors of the house, from the roof down; see the README. `stack` is another house that stands beside it. */
const floors = [
  ['main'],
  ['telephony'],
  ['api', 'jobs'],
  ['inbound', 'recovery'],
  ['resources'],
  ['activeflows'],
  ['actions'],
  ['conferences', 'acd', 'conversation'],
  ['outbound'],
  ['media'],
  ['calls'],
  ['nodes', 'registrar', 'directs'],
  ['ari', 'events', 'voice'],
  ['budgets', 'config', 'database', 'errors', 'id', 'json', 'log', 'metrics', 'passwords', 'turns', 'web'],
]
const root = new URL('../', import.meta.url)
const files = ['src', 'test', 'bench'].flatMap((folder) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`),
)
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8')
const placeOf = (file: string): string => /^src\/([a-z]+)/.exec(file)?.[1] ?? ''
const floorOf = (place: string): number => floors.findIndex((floor) => floor.includes(place))

/** The files of ours that a file uses, for values or types. */
function imports(file: string): string[] {
  const found = read(file).matchAll(/^(?:import|export)\s[^'"]*?from\s+'(\.[^']+)'|^import '(\.[^']+)'/gm)
  return [...found].map(([, from, bare]) => new URL((from ?? bare)!, new URL(file, root)).href.slice(root.href.length))
}

test('a file uses its own place and lower floors only, for types too', (t) => {
  for (const file of files.filter((name) => name.startsWith('src/') && placeOf(name) !== 'stack')) {
    const place = placeOf(file)
    t.not(floorOf(place), -1, `${file} has no place in the house`)
    for (const used of imports(file)) {
      const allowed = placeOf(used) === place || floorOf(placeOf(used)) > floorOf(place) || isBasement(file, used)
      t.true(allowed, `${file} must not use ${used}: it is not on a lower floor`)
    }
  }
})

test('no file uses itself by way of others, for types neither', (t) => {
  const uses = new Map(files.map((file) => [file, imports(file)]))
  const clean = new Set<string>()
  const walk = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) return t.fail(`a circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`)
    if (clean.has(file)) return
    for (const used of uses.get(file) ?? []) walk(used, [...path, file])
    clean.add(file)
  }
  for (const file of files) walk(file, [])
  t.pass()
})

/** In the basement the files know each other; they are few, and a circle would not load. */
function isBasement(...places: string[]): boolean {
  return places.every((file) => floorOf(placeOf(file)) === floors.length - 1)
}

test('the configuration is read by main alone', (t) => {
  const house = files.filter((file) => file.startsWith('src/') && placeOf(file) !== 'stack')
  const readers = house.filter((file) => imports(file).includes('src/config.ts'))
  t.deepEqual(readers, ['src/main.ts'])
})

test('ari and voice know nothing of ours but errors and log', (t) => {
  for (const file of files.filter((name) => /^src\/(ari|voice)\//.test(name)))
    for (const used of imports(file))
      t.true(['ari', 'voice', 'errors', 'log'].includes(placeOf(used)), `${file}: ${used}`)
})

test('a file has at most 260 lines', (t) => {
  for (const file of files)
    t.true(read(file).split('\n').length <= 261, `${file} is too long: find the second idea in it`)
})
