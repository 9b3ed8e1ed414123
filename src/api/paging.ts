import Joi from 'joi'
import { HashdialError } from '../errors.ts'

/** Where a page ends: the last row that was shown. Two rows of the same moment are told apart by their ids. */
export interface Place {
  tm_create: string
  id: string
}

export const pagingQuery = {
  page_size: Joi.number()
    .integer()
    .min(1)
    .max(100)
    .default(100)
    .description('How many at most; of large ones there are fewer on a page.'),
  page_token: Joi.string()
    .allow('')
    .max(200)
    .default('')
    .description('The next_page_token of the page before; empty for the first.'),
}

export function writePageToken({ tm_create, id }: Place): string {
  return Buffer.from(`${tm_create} ${id}`).toString('base64url')
}

export function readPageToken(token: string): Place | undefined {
  if (token === '') return undefined
  const text = Buffer.from(token, 'base64url').toString('latin1')
  const [, tm_create, id] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(text) ?? []
  if (tm_create && id && isTime(tm_create)) return { tm_create, id }
  const how = 'page_token is none of ours: take next_page_token of the page before as it is, or leave it out'
  throw new HashdialError('INVALID_ARGUMENT', 'INVALID_PAGE_TOKEN', how, [{ field: 'page_token', problem: how }])
}

/** JavaScript takes 30 February for 2 March, and MySQL refuses it. */
function isTime(text: string): boolean {
  const time = new Date(text)
  return !Number.isNaN(time.getTime()) && time.toISOString().slice(0, 23) === text.slice(0, 23)
}
