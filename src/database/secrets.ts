import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** A key that secrets are encrypted with. Its id stands in front of each secret, so that keys can be changed. */
export interface SecretKey {
  readonly id: string
  /** 32 bytes. */
  readonly key: Buffer
}

const cipher = 'aes-256-gcm'
const ivBytes = 12
const tagBytes = 16

/**
 * Keeps secrets in the database that have to be read again, encrypted by AES-256-GCM: `key id:base64 of IV, tag and
 * text`. The first key encrypts, and each of them decrypts what was encrypted with it. `owner` is the row that the secret
 * belongs to: in another row it cannot be decrypted.
 */
export class KeyRing {
  readonly #keys: ReadonlyMap<string, Buffer>
  readonly #first: SecretKey | undefined

  constructor(keys: readonly SecretKey[]) {
    this.#keys = new Map(keys.map(({ id, key }) => [id, key]))
    this.#first = keys[0]
  }

  /** Is there a key to encrypt with? */
  get isUsable(): boolean {
    return this.#first !== undefined
  }

  seal(secret: string, owner: string): string {
    if (!this.#first) throw new Error('HASHDIAL_SECRET_KEYS has no key')
    const iv = randomBytes(ivBytes)
    const encrypt = createCipheriv(cipher, this.#first.key, iv).setAAD(Buffer.from(owner))
    const text = Buffer.concat([encrypt.update(secret, 'utf8'), encrypt.final()])
    return `${this.#first.id}:${Buffer.concat([iv, encrypt.getAuthTag(), text]).toString('base64')}`
  }

  open(sealed: string, owner: string): string {
    const [id = '', text = ''] = sealed.split(':')
    const key = this.#keys.get(id)
    if (!key) throw new Error(`HASHDIAL_SECRET_KEYS has no key "${id}", with which a secret was encrypted`)
    const bytes = Buffer.from(text, 'base64')
    const decrypt = createDecipheriv(cipher, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
    decrypt.setAAD(Buffer.from(owner)).setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
    try {
      return Buffer.concat([decrypt.update(bytes.subarray(ivBytes + tagBytes)), decrypt.final()]).toString()
    } catch (error) {
      throw new Error(`the key "${id}" of HASHDIAL_SECRET_KEYS is another one than a secret was encrypted with`, {
        cause: error,
      })
    }
  }
}
