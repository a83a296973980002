import { SetupError } from '../database/setup-error.ts'
import type { SealedSecrets, SecretPlace } from './sealed-secret.ts'
import type { SealedColumn, SealedValueRepository } from './sealed-value.repository.ts'

const CANARY = 'the keys of this installation'
const PLACE: SecretPlace = { id: 'canary', field: 'value' }
/** In a database that has no canary yet, so many of each column are tried. */
const SAMPLE = 20

export const sealedCanary = (secrets: SealedSecrets): string => secrets.seal(CANARY, PLACE)

/**
 * Makes sure that these keys open what this database holds, before anything is served or sealed with them. The first start seals a
 * value for it.
 * @throws SetupError in plain words when they do not
 */
export async function requireRightKeys(
  secrets: SealedSecrets,
  values: SealedValueRepository,
  columns: readonly SealedColumn[],
): Promise<void> {
  const canary = await values.canary()
  if (canary !== undefined) return requireOpens(secrets, canary)
  // From before there was one: a ring that opens nothing of what there is, is another's.
  const found: { sealed: string; place: SecretPlace }[] = []
  for (const column of columns) {
    const older = await values.notBeginningWith(column, secrets.prefix, undefined, SAMPLE)
    for (const { id, sealed } of [...older, ...(await values.latest(column, SAMPLE))]) {
      found.push({ sealed, place: { id, field: column.field } })
    }
  }
  const open = found.filter(({ sealed, place }) => secrets.opens(sealed, place))
  if (found[0] && open.length === 0) throw wrongKeys(found[0].sealed)
  // Under the key that is needed longest: dropping that one must be noticed.
  await values.proposeCanary(open[0] ? secrets.sealLike(open[0].sealed, CANARY, PLACE) : sealedCanary(secrets))
  // Another process may have been first, with other keys.
  requireOpens(secrets, (await values.canary()) ?? '')
}

function requireOpens(secrets: SealedSecrets, canary: string): void {
  if (!secrets.opens(canary, PLACE)) throw wrongKeys(canary)
}

const wrongKeys = (sealed: string): SetupError =>
  new SetupError(
    `ENCRYPTION_KEYS are not the keys of this database: what it keeps is sealed with the key "${sealed.split('.')[1]}", which is missing there or is another one. ` +
      'Give the right keys (without ENCRYPTION_KEYS they are in secrets.json of DATA_DIR). To change keys, put the new one first, keep the old one behind it, ' +
      'and drop that after "npm run keys:reseal". If the old keys are lost, so are the keys of providers that they sealed: npm run keys:reseal -- --accept-loss',
  )
