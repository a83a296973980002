import type { z } from 'zod'
import {
  type GuestTermsView,
  guestTermsView,
  mailAcceptedView,
  recoveryCodesView,
  type SessionView,
  sessionView,
  totpBegunView,
  type UserView,
  userView,
  verifiedEmailView,
} from '../contract/account-views.ts'
import type { ApiKeyInput } from '../contract/api-key.schemas.ts'
import { type ApiKeyView, apiKeyView, type NewApiKeyView, newApiKeyView } from '../contract/api-key-views.ts'
import type { ProfileBody, TotpDisableBody } from '../contract/identity.schemas.ts'
import { listOf } from '../contract/views.ts'
import { ApiPart, type CallOptions, type ListOf, type PageQuery } from './rest.ts'

/** `/api/auth` of somebody who is signed in, and the links that are sent by mail. */
export class AuthApi extends ApiPart {
  me(options: CallOptions = {}): Promise<UserView> {
    return this.rest.call('GET /api/auth/me', userView, options)
  }

  /** Whether `client.guest()` is offered, and on what terms; asked without signing in. */
  guestTerms(options: CallOptions = {}): Promise<GuestTermsView> {
    return this.rest.call('GET /api/auth/guest', guestTermsView, options)
  }

  /** Another password ends all other sessions. */
  updateProfile(body: ProfileBody, options: CallOptions = {}): Promise<UserView> {
    return this.rest.call('PUT /api/auth/profile', userView, { body, ...options })
  }

  verifyEmail(token: string, options: CallOptions = {}): Promise<z.output<typeof verifiedEmailView>> {
    return this.rest.call('POST /api/auth/verify-email', verifiedEmailView, { body: { token }, ...options })
  }

  async resendVerification(options: CallOptions = {}): Promise<void> {
    await this.rest.call('POST /api/auth/verify-email/resend', mailAcceptedView, options)
  }

  /** Whether there is such an account is not said. */
  async forgotPassword(email: string, options: CallOptions = {}): Promise<void> {
    await this.rest.call('POST /api/auth/password/forgot', mailAcceptedView, { body: { email }, ...options })
  }

  /** Ends all sessions. */
  resetPassword(body: { token: string; newPassword: string }, options: CallOptions = {}): Promise<void> {
    return this.rest.call('POST /api/auth/password/reset', null, { body, ...options })
  }

  /** A secret for an authenticator app, which counts once it was confirmed. */
  beginTotp(password: string, options: CallOptions = {}): Promise<z.output<typeof totpBegunView>> {
    return this.rest.call('POST /api/auth/totp', totpBegunView, { body: { password }, ...options })
  }

  /** @returns recovery codes, which are not shown again */
  confirmTotp(code: string, options: CallOptions = {}): Promise<z.output<typeof recoveryCodesView>> {
    return this.rest.call('POST /api/auth/totp/confirm', recoveryCodesView, { body: { code }, ...options })
  }

  disableTotp(body: TotpDisableBody, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/auth/totp', null, { body, ...options })
  }
}

/** `/api/auth/sessions`: where one is signed in. */
export class SessionsApi extends ApiPart {
  list(query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<SessionView>> {
    return this.rest.call('GET /api/auth/sessions', listOf(sessionView), { query, ...options })
  }

  /** All but the one that asks. */
  deleteOthers(options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/auth/sessions', null, options)
  }

  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/auth/sessions/:id', null, { params: { id }, ...options })
  }
}

/** `/api/keys`: for programs of one's own. A key is given to a client as its `token`; it makes no keys itself. */
export class KeysApi extends ApiPart {
  list(query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<ApiKeyView>> {
    return this.rest.call('GET /api/keys', listOf(apiKeyView), { query, ...options })
  }

  /** The only answer that has the key itself. */
  create(body: ApiKeyInput, options: CallOptions = {}): Promise<NewApiKeyView> {
    return this.rest.call('POST /api/keys', newApiKeyView, { body, ...options })
  }

  /** It ends at once, everywhere. */
  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/keys/:id', null, { params: { id }, ...options })
  }
}
