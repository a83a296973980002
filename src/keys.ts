import { loadSecrets } from './config/secrets.ts'
import { requireRightKeys } from './connections/key-check.ts'
import { reseal } from './connections/reseal.ts'
import { SealedSecrets } from './connections/sealed-secret.ts'
import { SealedValueRepository } from './connections/sealed-value.repository.ts'
import { openDataSource } from './database/data-source.ts'
import { reachDatabase } from './database/reach-database.ts'
import { SetupError } from './database/setup-error.ts'
import { Transactions } from './database/transaction.ts'
import { runProcess } from './process.ts'
import { sealedColumns } from './sealed-columns.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const ACCEPT_LOSS = '--accept-loss'
/** So many rows that no key opens are named. */
const NAMED = 20

/** `npm run keys:reseal`: every sealed value under the first of ENCRYPTION_KEYS, while the product runs. */
await runProcess(async ({ env, logger, shutdown }) => {
  const flags = process.argv.slice(2)
  const unknown = flags.find((flag) => flag !== ACCEPT_LOSS)
  if (unknown) throw new SetupError(`${unknown} is not known here; ${ACCEPT_LOSS} is.`)
  const acceptsLoss = flags.includes(ACCEPT_LOSS)
  const database = await reachDatabase(env, logger)
  shutdown.add('PostgreSQL', database.close)
  const db = await openDataSource({ url: database.url, entities: [], poolSize: 2, pooler: 'transaction' })
  shutdown.add('database', () => db.destroy())
  const secrets = new SealedSecrets((await loadSecrets(env)).encryptionKeys)
  const values = new SealedValueRepository(db)
  if (!acceptsLoss) await requireRightKeys(secrets, values, sealedColumns)
  const transactions = new Transactions(db)
  const done = await reseal({ secrets, values, transactions, columns: sealedColumns, say }, acceptsLoss)
  const { resealed, unreadable } = done
  if (unreadable.length > 0) {
    say(`No key opens ${unreadable.length} value(s): ${unreadable.slice(0, NAMED).join(', ')}`)
  }
  if (unreadable.length > 0 && !acceptsLoss) {
    throw new SetupError(
      `${resealed} value(s) are under the first key now; the others are left as they are, and the old keys are still needed.`,
    )
  }
  say(`${resealed} value(s) were sealed anew: all are under the first key now, and the other keys can go`)
  await shutdown.close()
})
