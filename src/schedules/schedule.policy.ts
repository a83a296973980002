import type { CallingKey } from '../contract/auth-user.ts'
import { AppError } from '../shared/errors.ts'

/**
 * Runs that a clock begins are nobody's request, so no key's budget has them: one that has a budget would get around it by a schedule.
 * @throws AppError 403 `key.budget`
 */
export function requireNoBudget(key: CallingKey | undefined): void {
  if (key?.hasBudget) throw new AppError('key.budget')
}
