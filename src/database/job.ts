import { Entity } from 'typeorm'
import { Key, Time } from './columns.ts'

/** When something that is done from time to time was last done. */
@Entity({ name: 'jobs' })
export class Job {
  @Key(64) name: string
  @Time() tm_run: string
}
