/** What is wrong with REDIS_URL, in words that complete "REDIS_URL ...". */
export class RedisAddressError extends Error {
  override name = 'RedisAddressError'
}

export interface RedisHost {
  host: string
  port: number
}

/** REDIS_URL, taken apart. */
export interface RedisAddress {
  /** At least one; several of a cluster, or of sentinels. */
  hosts: RedisHost[]
  username: string | undefined
  password: string | undefined
  /** Number of the database. */
  db: number
  tls: boolean
  /** IP version; 0 is either. */
  family: 0 | 4 | 6 | undefined
}

const SHAPE = /^(rediss?):\/\/(?:([^@/]*)@)?([^/?#@]+)(?:\/(\d{0,4}))?(?:\?family=([046]))?$/
const HOST = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i

/**
 * @param defaultPort 6379, of sentinels 26379
 * @throws RedisAddressError
 * @example parseRedisAddress('rediss://user:secret@one:6379,two:6379/2')
 */
export function parseRedisAddress(text: string, defaultPort = 6379): RedisAddress {
  if (!/^rediss?:\/\//.test(text)) throw new RedisAddressError('must be a redis:// or rediss:// address')
  const [, scheme, credentials, hosts = '', db = '', family] = SHAPE.exec(text) ?? []
  if (!scheme) {
    // Not repeated as it was given: there may be a password in it.
    throw new RedisAddressError(
      'must look like redis://user:password@host:6379/0, several hosts separated by commas; what is no letter or digit in a password is written as %XX',
    )
  }
  const [username, ...rest] = (credentials ?? '').split(':')
  const password = rest.join(':')
  return {
    hosts: hosts.split(',').map((item) => hostOf(item.trim(), defaultPort)),
    username: decoded(username) || undefined,
    password: decoded(password) || undefined,
    db: Number(db || 0),
    tls: scheme === 'rediss',
    family: family === '4' ? 4 : family === '6' ? 6 : family === '0' ? 0 : undefined,
  }
}

function hostOf(text: string, defaultPort: number): RedisHost {
  const [, host, port] = HOST.exec(text) ?? []
  if (!host || Number(port) > 65_535) throw new RedisAddressError('has a host that is none: write host:port')
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? defaultPort) }
}

function decoded(text: string | undefined): string {
  try {
    return decodeURIComponent(text ?? '')
  } catch {
    throw new RedisAddressError('has a % in its user or password that is no escape: write it as %25')
  }
}
