import type { z } from 'zod'
import {
  type InvitationView,
  invitationView,
  type ManagedUserView,
  managedUserView,
  newInvitationView,
  type UserView,
  userView,
} from '../contract/account-views.ts'
import type { UserBody } from '../contract/identity.schemas.ts'
import type { InvitationInput } from '../contract/invitation.schemas.ts'
import { listOf } from '../contract/views.ts'
import { ApiPart, type CallOptions, type ListOf, type PageQuery } from './rest.ts'

/** `/api/users`: oneself; administrators, everybody. */
export class UsersApi extends ApiPart {
  /** Administrators. */
  list(
    query: PageQuery & { suspended?: boolean | undefined } = {},
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
