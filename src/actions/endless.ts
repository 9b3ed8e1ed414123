/** An action as a place that a flow passes. */
export interface Node {
  /** It takes no time. */
  instant: boolean
  /** The indexes of where it may lead; -1 is the end. */
  ways: readonly number[]
}

/** The loops that nothing can leave and nothing slows down: in each, the indexes of its actions from the lowest on. */
export function endlessLoops(nodes: readonly Node[]): number[][] {
  const good = leadSomewhere(nodes)
  const seen = new Set<number>()
  const loops: number[][] = []
  for (const start of nodes.keys()) {
    const path: number[] = []
    let at = start
    // All ways of a bad one lead to bad ones, so its first way stays among them, and comes to a loop.
    while (!good.has(at) && !seen.has(at)) {
      seen.add(at)
      path.push(at)
      at = nodes[at]!.ways[0]!
    }
    const loop = path.slice(path.indexOf(at))
    if (path.includes(at)) loops.push(fromLowest(loop))
  }
  return loops
}

/** Those from which the end can be reached, or something that takes time. */
function leadSomewhere(nodes: readonly Node[]): Set<number> {
  const from = new Map<number, number[]>()
  for (const [index, { ways }] of nodes.entries())
    for (const way of ways) {
      const before = from.get(way)
      if (before) before.push(index)
      else from.set(way, [index])
    }
  const good = new Set([...nodes.keys()].filter((index) => !nodes[index]!.instant || nodes[index]!.ways.includes(-1)))
  // A Set that grows while it is walked is walked to its new end.
  for (const index of good) for (const before of from.get(index) ?? []) good.add(before)
  return good
}

function fromLowest(loop: number[]): number[] {
  const lowest = loop.indexOf(Math.min(...loop))
  return [...loop.slice(lowest), ...loop.slice(0, lowest)]
}
