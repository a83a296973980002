import type { ApiKeyView } from '../contract/api-key-views.ts'
import { formatCredits } from '../shared/money.ts'
import type { ApiKey } from './api-key.entity.ts'
import type { KeyWithMonth } from './api-key.repository.ts'

const NOTHING = { held: 0n, spent: 0n }

/** A key as its owner sees it; one that was just made has no month yet. */
export const presentApiKey = ({ month = NOTHING, ...key }: ApiKey & Partial<KeyWithMonth>): ApiKeyView => ({
  id: key.id,
  name: key.name,
  prefix: key.prefix,
  scopes: key.scopes,
  expiresAt: key.expiresAt?.toISOString() ?? null,
  monthlyCredits: key.monthlyCredits === null ? null : formatCredits(key.monthlyCredits),
  month: key.monthlyCredits === null ? null : { held: formatCredits(month.held), spent: formatCredits(month.spent) },
  lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
  createdAt: key.createdAt.toISOString(),
})
