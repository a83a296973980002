import { balanceView } from '../contract/credits-views.ts'
import { idParams } from '../http/input.ts'
import { defineRoute, type Route } from '../http/route.ts'
import type { UserService } from '../identity/user.service.ts'
import { presentBalance } from './credits.presenter.ts'
import type { LedgerService } from './ledger.service.ts'

/** What administrators see of others' credits; they add some by `POST /api/credits/add`. */
export const userCreditsRoutes = (users: Pick<UserService, 'get'>, ledger: LedgerService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/users/:id/credits',
    access: 'admin',
    scope: 'admin',
    summary: 'The credits of a user',
    response: balanceView,
    errors: ['user.not_found'],
    params: idParams,
    handler: async ({ user, params }) => {
      const { id } = await users.get(user, params.id)
      return presentBalance(await ledger.balance(id))
    },
  }),
]
