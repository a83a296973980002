import { createHmac, randomBytes } from 'node:crypto'
import { addressIdentity } from './address-identity.ts'
import type { SignupGrantRepository } from './signup-grant.repository.ts'

/** Seals a key for the database, with a ring whose first key seals and all of which open. */
interface Sealer {
  seal(secret: string, place: { id: string; field: string }): string
  /** @throws AppError when no key of the ring opens it */
  open(sealed: string, place: { id: string; field: string }): string
}

/** The row of this key; a sealed value opens only in its place. */
const KEY_ID = '01990000-0000-7000-8000-00000000e001'
const PLACE = { id: KEY_ID, field: 'key' }

/**
 * Keyed hashes of addresses, which outlive the accounts: without the key, nobody who has the rows can try addresses on them. The
 * key must stay the same for ever, so it is neither JWT_SECRET nor of ENCRYPTION_KEYS, which are rotated: it is made once, kept in
 * the database sealed by ENCRYPTION_KEYS; `npm run keys:reseal` takes it along.
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
    return Buffer.from(this.#sealer.open(await this.#rows.sealedKey(KEY_ID, fresh), PLACE), 'base64')
  }
}
