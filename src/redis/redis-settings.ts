import { readFile } from 'node:fs/promises'
import type { Env } from '../config/env.ts'
import { parseRedisAddress, type RedisAddress } from '../config/redis-address.ts'
import { SetupError } from '../database/setup-error.ts'
import { messageOf } from '../shared/errors.ts'

/** Everything that is needed to connect to a Redis of whatever kind. */
export interface RedisSettings extends Omit<RedisAddress, 'tls'> {
  tls: { ca?: string; cert?: string; key?: string } | undefined
  kind: 'single' | 'cluster' | 'sentinel'
  /** What the sentinels call the primary, and how they want to be asked. */
  sentinel: { name: string; username: string | undefined; password: string | undefined } | undefined
}

type RedisEnv = Pick<
  Env,
  | 'REDIS_CLUSTER'
  | 'REDIS_SENTINEL_NAME'
  | 'REDIS_SENTINEL_USERNAME'
  | 'REDIS_SENTINEL_PASSWORD'
  | 'REDIS_CA'
  | 'REDIS_CERT'
  | 'REDIS_KEY'
> & { REDIS_URL: string }

/** The settings of the environment, with what certificates' files hold. @throws SetupError when one cannot be read */
export async function readRedisSettings(env: RedisEnv): Promise<RedisSettings> {
  const name = env.REDIS_SENTINEL_NAME
  const { tls, ...address } = parseRedisAddress(env.REDIS_URL, name ? 26_379 : 6_379)
  const [ca, cert, key] = await Promise.all([
    readPem('REDIS_CA', env.REDIS_CA),
    readPem('REDIS_CERT', env.REDIS_CERT),
    readPem('REDIS_KEY', env.REDIS_KEY),
  ])
  return {
    ...address,
    tls: tls ? { ca, cert, key } : undefined,
    kind: name ? 'sentinel' : env.REDIS_CLUSTER ? 'cluster' : 'single',
    sentinel: name ? { name, username: env.REDIS_SENTINEL_USERNAME, password: env.REDIS_SENTINEL_PASSWORD } : undefined,
  }
}

/** A certificate or key: its text, or the file that has it. */
async function readPem(variable: string, value: string | undefined): Promise<string | undefined> {
  if (!value || value.includes('-----BEGIN')) return value
  try {
    return await readFile(value, 'utf8')
  } catch (error) {
    throw new SetupError(`${variable} names a file that cannot be read: ${messageOf(error)}`)
  }
}
