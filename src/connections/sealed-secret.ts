import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { AppError } from '../shared/errors.ts'

/** One 32-byte key of the ring; `id` has no dots. */
export interface SealingKey {
  id: string
  key: Buffer
}

/** Where a secret belongs. A sealed text copied to another row or column does not open there. */
export interface SecretPlace {
  /** The row's id. */
  id: string
  field: string
}

const VERSION = 'v1'
const NONCE_BYTES = 12
const TAG_BYTES = 16

const additionalData = (place: SecretPlace): Buffer => Buffer.from(`${place.id}\0${place.field}`)

/**
 * Seals secrets for the database with AES-256-GCM as `v1.<keyId>.<base64url of nonce + ciphertext + tag>`.
 * The first key of the ring seals, all open: put a new key first to rotate.
 *
 * @example
 * const secrets = new SealedSecrets(env.ENCRYPTION_KEYS)
 * const sealed = secrets.seal('sk-...', { id: connection.id, field: 'apiKey' })
 */
export class SealedSecrets {
  readonly #first: SealingKey
  readonly #keys: Map<string, Buffer>

  /** @throws RangeError when the ring is empty. */
  constructor(ring: SealingKey[]) {
    const [first] = ring
    if (!first) throw new RangeError('ENCRYPTION_KEYS must have at least one key')
    this.#first = first
    this.#keys = new Map(ring.map(({ id, key }) => [id, key]))
  }

  seal(secret: string, place: SecretPlace): string {
    return sealWith(this.#first, secret, place)
  }

  /** Seals with the key that sealed another text, which this ring opens. */
  sealLike(other: string, secret: string, place: SecretPlace): string {
    const id = other.split('.')[1] ?? ''
    const key = this.#keys.get(id)
    return key ? sealWith({ id, key }, secret, place) : this.seal(secret, place)
  }

  /** What everything begins with that the first key sealed. */
  get prefix(): string {
    return `${VERSION}.${this.#first.id}.`
  }

  opens(sealed: string, place: SecretPlace): boolean {
    try {
      this.open(sealed, place)
      return true
    } catch {
      return false
    }
  }

  /** @throws AppError 409 `connections.key_unreadable` when no key of the ring opens it here. */
  open(sealed: string, place: SecretPlace): string {
    const [version, keyId, data] = sealed.split('.')
    const key = version === VERSION && keyId ? this.#keys.get(keyId) : undefined
    const bytes = Buffer.from(data ?? '', 'base64url')
    if (!key || bytes.length < NONCE_BYTES + TAG_BYTES) throw unreadable()
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES))
        .setAAD(additionalData(place))
        .setAuthTag(bytes.subarray(-TAG_BYTES))
      return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    } catch {
      throw unreadable()
    }
  }
}

function sealWith({ id, key }: SealingKey, secret: string, place: SecretPlace): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additionalData(place))
  const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${VERSION}.${id}.${sealed.toString('base64url')}`
}

const unreadable = (): AppError => new AppError('connections.key_unreadable')
