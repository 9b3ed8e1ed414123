import type { DataSource } from '../database.ts'
import type { Web } from '../web.ts'

/** Where destinations are looked up, and which networks outside may be called. */
export interface Directory {
  readonly database: DataSource
  readonly baseDomain: string
  readonly web: Web
}
