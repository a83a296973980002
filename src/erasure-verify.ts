import { createReadStream } from 'node:fs'
import { isDistributed, readProcessEnv } from './config/env.ts'
import { withDatabase } from './database/reach-database.ts'
import { scanRedis } from './erasure/redis-scan.ts'
import { scanStore } from './erasure/store-scan.ts'
import { WordFinder, type WordFound } from './erasure/word-needles.ts'
import { WordScanRepository } from './erasure/word-scan.repository.ts'
import { findInstallation } from './fleet/installation.repository.ts'
import { RedisConnections } from './redis/redis-connections.ts'
import { RedisNames } from './redis/redis-names.ts'
import { readRedisSettings } from './redis/redis-settings.ts'
import { redisValues } from './redis/redis-values.ts'
import { messageOf } from './shared/errors.ts'
import { createLogger } from './shared/logger.ts'
import { createStore } from './storage/store/create-store.ts'

const HELP = `Looks for words everywhere that words are kept: every column of the database, the queue, every object of the store,
all of Redis, and log files. Exit code 1 when one is found; the report says where, not what stands there.
  npm run erasure:verify -- WORD...                 such as a name, an address, the id of a file
  npm run erasure:verify -- --logs FILE WORD...     log files too; --logs may be repeated`

/** Prints what was looked at and where words were found. */
async function main(args: string[]): Promise<void> {
  const { words, logs } = wordsAndLogs(args)
  if (words.length === 0) {
    console.log(HELP)
    process.exitCode = args.includes('--help') ? 0 : 1
    return
  }
  const env = readProcessEnv()
  const found: WordFound[] = []
  await withDatabase(env, { poolSize: 1, logger: createLogger('warn') }, async (db) => {
    const tables = await new WordScanRepository(db).scan(words)
    console.log(`${tables.columns} columns of ${tables.tables} tables`)
    const store = await scanStore(await createStore(env), words)
    console.log(`${store.objects} objects of the store`)
    found.push(...tables.found, ...store.found)
    if (isDistributed(env)) {
      const names = new RedisNames(env.REDIS_PREFIX, (await findInstallation(db)).id)
      const client = new RedisConnections(await readRedisSettings(env), names).commands({})
      try {
        const redis = await scanRedis(redisValues(client), words)
        console.log(`${redis.keys} keys of Redis`)
        found.push(...redis.found)
      } finally {
        client.disconnect()
      }
    }
  })
  for (const log of logs) {
    const finder = new WordFinder(words)
    for await (const piece of createReadStream(log)) finder.add(piece)
    for (const word of finder.found) found.push({ where: `log ${log}`, word })
  }
  for (const { where, word } of found) console.log(`FOUND ${JSON.stringify(word)} in ${where}`)
  console.log(found.length === 0 ? 'no word was found' : `found in ${found.length} places`)
  process.exitCode = found.length === 0 ? 0 : 1
}

function wordsAndLogs(args: string[]): { words: string[]; logs: string[] } {
  const words: string[] = []
  const logs: string[] = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? ''
    if (arg === '--logs') logs.push(args[++index] ?? '')
    else if (arg !== '' && !arg.startsWith('--')) words.push(arg)
  }
  return { words, logs }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
}
