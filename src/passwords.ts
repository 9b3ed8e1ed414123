import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { promisify } from 'node:util'
import { HashdialError } from './errors.ts'

/** 16 MB and some 50 ms of a core. More would be better for the hashes and worse for the calls beside them. */
const cost = { N: 16_384, r: 8, p: 1 }
const saltBytes = 16
const hashBytes = 32

/** Of a password that nobody has: to look at one that is wrong in any case takes as long as at any other. */
const nobodys = `scrypt$${cost.N}$${cost.r}$${cost.p}$${encode(randomBytes(saltBytes))}$${encode(randomBytes(hashBytes))}`

/** One is worked on at a time, so that a flood of logins leaves the calls the other cores; so many more may wait. */
const mostWaiting = 40

let isWorking = false
const waiting: (() => void)[] = []

/** As `scrypt$N$r$p$salt$hash`: what it costs can be raised later, and older ones go on working. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes)
  const hash = await derive(password, salt, hashBytes, cost)
  return ['scrypt', cost.N, cost.r, cost.p, encode(salt), encode(hash)].join('$')
}

/** Is it the password of this hash? Without a hash it is not, in the same time. */
export async function isPassword(password: string, hash: string | undefined): Promise<boolean> {
  const [, N, r, p, salt = '', expected = ''] = (hash ?? nobodys).split('$')
  const wanted = Buffer.from(expected, 'base64')
  const options = { N: Number(N), r: Number(r), p: Number(p) }
  const found = await derive(password, Buffer.from(salt, 'base64'), wanted.length, options)
  return timingSafeEqual(found, wanted) && hash !== undefined
}

const scryptAsync = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

async function derive(password: string, salt: Buffer, bytes: number, options: ScryptOptions): Promise<Buffer> {
  if (waiting.length >= mostWaiting) throw busy()
  // Who is done hands on to the next, so nobody comes in between.
  if (isWorking) await new Promise<void>((resolve) => waiting.push(resolve))
  isWorking = true
  try {
    return await scryptAsync(password, salt, bytes, options)
  } finally {
    const next = waiting.shift()
    if (next) next()
    else isWorking = false
  }
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64')
}

function busy(): HashdialError {
  const why = 'too many passwords are being looked at: try again in some seconds'
  return Object.assign(new HashdialError('RESOURCE_EXHAUSTED', 'RATE_LIMIT_EXCEEDED', why), { retrySeconds: 5 })
}
