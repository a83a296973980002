import { createHmac, randomBytes } from 'node:crypto'
import { addressIdentity } from './address-identity.ts'
import type { SignupGrantRepository } from './signup-grant.repository.ts'

/** Seals a key for the database, with a ring whose first key seals and all of which open. */
interface Sealer {
  seal(secret: string, place: { id: string; field: string }): string
  /** @throws AppError when no key of the ring opens it */
  open(sealed: string, place: { id: string; field: string }): string
}

const NAME = 'signup-grants'
const PLACE = { id: NAME, field: 'key' }
/** What of a sealed text tells by which key: `v1.<key id>.` */
const sealOf = (sealed: string): string => sealed.slice(0, sealed.lastIndexOf('.'))

/**
 * Keyed hashes of addresses, which outlive the accounts: without the key, nobody who has the rows can try addresses on them. The
 * key must stay the same for ever, so it is neither JWT_SECRET nor of ENCRYPTION_KEYS, which are rotated: it is made once, kept in
 * the database sealed by ENCRYPTION_KEYS, and sealed anew when their first one has changed.
 */
export class AddressHashes {
  readonly #rows: SignupGrantRepository
  readonly #sealer: Sealer
  #key: Promise<Buffer> | undefined

  constructor(rows: SignupGrantRepository, sealer: Sealer) {
    this.#rows = rows
    this.#sealer = sealer
  }

  /** Hex of 32 bytes. @throws AppError when the key cannot be read with the keys of this server */
  async of(email: string): Promise<string> {
    this.#key ??= this.#load()
    const key = await this.#key.catch((error: unknown) => {
      this.#key = undefined
      throw error
    })
    return createHmac('sha256', key).update(addressIdentity(email)).digest('hex')
  }

  async #load(): Promise<Buffer> {
    const fresh = this.#sealer.seal(randomBytes(32).toString('base64'), PLACE)
    const sealed = await this.#rows.sealedKey(NAME, fresh)
    const key = this.#sealer.open(sealed, PLACE)
    if (sealOf(sealed) !== sealOf(fresh)) await this.#rows.resealKey(NAME, sealed, this.#sealer.seal(key, PLACE))
    return Buffer.from(key, 'base64')
  }
}
