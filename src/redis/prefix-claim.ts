import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { SetupError } from '../database/setup-error.ts'
import { messageOf } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { repeat } from '../shared/repeat.ts'
import type { RedisClient } from './redis-connections.ts'

/** A process that was killed holds its claim for this long, in ms; one that ends gives it back. */
const CLAIM_MS = 60_000

/**
 * KEYS: the claims, by the time of their end. ARGV: owner, process, now, end. Claims for the owner's process, unless a process of
 * another owner has a claim; answers whether it did.
 */
const TAKE = `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if string.sub(member, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
end
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[1] .. ARGV[2])
redis.call('PEXPIREAT', KEYS[1], ARGV[4])
return 1`

export interface PrefixClaim {
  /** The key, of REDIS_PREFIX alone. */
  key: string
  /** The installation, and the database that it is in: a copy of the database (staging from a backup) has the same id. */
  owner: string
}

/**
 * Claims REDIS_PREFIX for this process of this installation, and renews the claim until stopped. Names carry the installation's id
 * besides, so two installations never take each other's jobs; but who did not mean to share a Redis is told, and copies of one
 * database would meet.
 *
 * @throws SetupError when another installation has it
 */
export async function claimPrefix(
  redis: RedisClient,
  { key, owner }: PrefixClaim,
  logger: Logger,
): Promise<{ stop: () => Promise<void> }> {
  const id = randomUUID()
  const take = async (): Promise<boolean> => {
    const now = Date.now()
    return z.literal([0, 1]).parse(await redis.eval(TAKE, 1, key, `${owner} `, id, now, now + CLAIM_MS)) === 1
  }
  if (!(await take())) {
    throw new SetupError(
      `REDIS_URL: another installation uses "${key.replace(/:installation$/, '')}" on this Redis, or a copy of this database does: ` +
        `give each a REDIS_PREFIX of its own. What was killed without an end counts for ${CLAIM_MS / 1_000} seconds more.`,
    )
  }
  let isOurs = true
  const renewing = repeat(
    'claim of the Redis prefix',
    CLAIM_MS / 4,
    async () => {
      const wasOurs = isOurs
      try {
        isOurs = await take()
      } catch (error) {
        logger.debug({ reason: messageOf(error) }, 'the claim of the Redis prefix could not be renewed')
      }
      if (wasOurs && !isOurs) logger.error('another installation uses this REDIS_PREFIX: give each one of its own')
    },
    logger,
  )
  return {
    stop: async () => {
      await renewing.stop()
      await redis.zrem(key, `${owner} ${id}`).catch(() => {})
    },
  }
}
