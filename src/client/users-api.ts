import type { z } from 'zod'
import {
  type InvitationView,
  invitationView,
  type ManagedUserView,
  managedUserView,
  newInvitationView,
  type SessionView,
  sessionView,
  type UserView,
  userView,
} from '../contract/account-views.ts'
import { type BalanceView, balanceView } from '../contract/credits-views.ts'
import type { UserBody } from '../contract/identity.schemas.ts'
import type { InvitationInput } from '../contract/invitation.schemas.ts'
import { listOf } from '../contract/views.ts'
import { ApiPart, type CallOptions, type ListOf, type PageQuery } from './rest.ts'

/** `/api/users`: oneself; administrators, everybody. */
export class UsersApi extends ApiPart {
  /** Administrators. */
  list(
    query: PageQuery & {
      suspended?: boolean | undefined
      guest?: boolean | undefined
      /** How the address or the name begins, in any case; or an id. */
      q?: string | undefined
    } = {},
    options: CallOptions = {},
  ): Promise<ListOf<ManagedUserView>> {
    return this.rest.call('GET /api/users', listOf(managedUserView), { query, ...options })
  }

  get(id: string, options: CallOptions = {}): Promise<UserView> {
    return this.rest.call('GET /api/users/:id', userView, { params: { id }, ...options })
  }

  update(id: string, body: UserBody, options: CallOptions = {}): Promise<UserView> {
    return this.rest.call('PUT /api/users/:id', userView, { params: { id }, body, ...options })
  }

  /** The account ends at once, and all that is kept of it soon. */
  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/users/:id', null, { params: { id }, ...options })
  }

  /** All that is kept of the account, as a ZIP, which is made while it is sent: `.body` is its stream. */
  export(id: string, options: CallOptions = {}): Promise<Response> {
    return this.rest.send('GET /api/users/:id/export', { params: { id }, ...options })
  }

  /** Administrators: ends sessions and runs at once. */
  suspend(id: string, reason: string, options: CallOptions = {}): Promise<ManagedUserView> {
    const request = { params: { id }, body: { reason }, ...options }
    return this.rest.call('POST /api/users/:id/suspend', managedUserView, request)
  }

  /** Administrators: where somebody is signed in. */
  sessions(id: string, query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<SessionView>> {
    return this.rest.call('GET /api/users/:id/sessions', listOf(sessionView), { params: { id }, query, ...options })
  }

  /** Administrators: ends all sessions of somebody, but for one's own that asks. API keys stay. */
  endSessions(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/users/:id/sessions', null, { params: { id }, ...options })
  }

  /** Administrators: what somebody has of credits. */
  credits(id: string, options: CallOptions = {}): Promise<BalanceView> {
    return this.rest.call('GET /api/users/:id/credits', balanceView, { params: { id }, ...options })
  }

  /** Administrators. */
  unsuspend(id: string, options: CallOptions = {}): Promise<ManagedUserView> {
    return this.rest.call('POST /api/users/:id/unsuspend', managedUserView, { params: { id }, ...options })
  }
}

/** `/api/invitations`, of administrators. */
export class InvitationsApi extends ApiPart {
  list(query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<InvitationView>> {
    return this.rest.call('GET /api/invitations', listOf(invitationView), { query, ...options })
  }

  /** The only answer that has the code. */
  create(body: InvitationInput = {}, options: CallOptions = {}): Promise<z.output<typeof newInvitationView>> {
    return this.rest.call('POST /api/invitations', newInvitationView, { body, ...options })
  }

  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/invitations/:id', null, { params: { id }, ...options })
  }
}
