/**
 * AVA's counts, read from its TAP lines while they come: an uncaught exception, a file that exits or a hook that fails
 * has a `not ok` line of its own, and counts although AVA may not live to write its summary.
 */
export class TapCounts {
  passed = 0
  failed = 0

  read(line: string): void {
    const [, not, title] = /^(not )?ok \d+ - (.*)$/.exec(line) ?? []
    if (title === undefined || / # (SKIP|TODO)/.test(title)) return
    if (not === undefined) this.passed++
    else this.failed++
  }

  fail(why: string): void {
    console.log(`not ok - ${why}`)
    this.failed++
  }
}
