import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { currentOrigin } from '../shared/request-origin.ts'
import { withoutEnd } from '../shared/text-ends.ts'
import { WaitingLine } from './waiting-line.ts'

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 }
const argon2id = promisify(argon2)

/**
 * Hashing is done by the process's thread pool (4 threads), which looking up hosts, files and compression need too, and takes 20 to 60 ms
 * of a core: two at once leave the others room. 64 that wait are done within 2 s; who waits 5 s is better told to come again. One
 * network may have a quarter of the line.
 */
const line = new WaitingLine({ atOnce: 2, waiting: 64, waitingOfOne: 16, waitMs: 5_000 })

/** @throws AppError 503 `auth.busy` when too many wait, or whoever asked has gone */
const derive: typeof argon2id = (algorithm, parameters) => {
  const { network = '', signal } = currentOrigin() ?? {}
  return line.run({ requester: network, signal }, () => argon2id(algorithm, parameters))
}

const base64 = (bytes: Buffer): string => withoutEnd(bytes.toString('base64'), '=')

/**
 * A PHC string, `$argon2id$v=19$m=...,t=...,p=...$salt$hash`: it carries its own cost, so that the cost may be raised later.
 * @throws AppError 503 `auth.busy`
 */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16)
  const hash = await derive('argon2id', { message: password, nonce, tagLength: 32, ...COST })
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${base64(nonce)}$${base64(hash)}`
}

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/

/** True when the password is the one that was hashed. @throws AppError 503 `auth.busy` */
export async function verifyPassword(password: string, phc: string): Promise<boolean> {
  const [, memory, passes, parallelism, nonce, hash] = PHC.exec(phc) ?? []
  if (!nonce || !hash) return false
  const expected = Buffer.from(hash, 'base64')
  const actual = await derive('argon2id', {
    message: password,
    nonce: Buffer.from(nonce, 'base64'),
    tagLength: expected.length,
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
  })
  return timingSafeEqual(actual, expected)
}

/** Hash of a password that nobody has: checked when there is no such user, so that the answer takes as long. */
export const NOBODYS_HASH = `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`
