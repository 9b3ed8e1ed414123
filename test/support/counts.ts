/**
 * AVA's counts, read from its lines while they come. A rejection that nobody handles, a file that exits, a hook that
 * fails and a test that never ends have a line of their own and count as failures. (Its TAP reporter dies of the last.)
 */
export class Counts {
  passed = 0
  failed = 0

  read(line: string): void {
    if (/^ {2}[✔√] /.test(line)) this.passed++
    if (/^ {2}[✘×] /.test(line)) this.failed++
  }

  fail(why: string): void {
    console.log(`  ✘ ${why}`)
    this.failed++
  }
}
