/** What an error of the API means to whoever reads the page, and what to do next. One place, by code. */
import { ApiError } from '../../client/client.ts'
import type { Formats } from '../words/formats.ts'
import type { Say } from '../words/use-words.ts'

export interface ErrorSaid {
  /** What happened. */
  text: string
  /** Where something can be done about it. */
  next?: { href: string; label: string } | undefined
  /** It may work when it is tried again as it is. */
  canRetry: boolean
}

const numberIn = (details: Record<string, unknown>, name: string): number | undefined => {
  const value = Number(details[name] ?? Number.NaN)
  return Number.isFinite(value) ? value : undefined
}

/** @param error whatever was thrown; what is no `ApiError` is a fault of the page, and said to be one */
export function saidOf(error: unknown, t: Say, formats: Formats): ErrorSaid {
  if (!(error instanceof ApiError)) return { text: t('error.page'), canRetry: true }
  const { code, details, message, retryAfter } = error
  switch (code) {
    case 'client.unreachable':
      return { text: t('error.unreachable'), canRetry: true }
    case 'credits.insufficient': {
      const [available, required] = [numberIn(details, 'available'), numberIn(details, 'required')]
      const next = { href: '/credits', label: t('error.credits.next') }
      if (available === undefined || required === undefined) {
        return { text: t('error.credits'), next, canRetry: false }
      }
      const missing = formats.credits(Math.max(0, required - available))
      const values = { available: formats.credits(available), required: formats.credits(required), missing }
      return { text: t('error.credits.missing', values), next, canRetry: false }
    }
    case 'connections.none':
    case 'connections.incomplete':
    case 'connections.key_unreadable':
      return {
        text: t(code === 'connections.none' ? 'error.connections.none' : 'error.connections.incomplete'),
        next: { href: '/connections', label: t('error.connections.next') },
        canRetry: false,
      }
    case 'chat.busy':
      return { text: t('error.busy'), canRetry: false }
    case 'request.precondition_failed':
      return { text: t('error.changed'), canRetry: false }
    case 'mcp.busy':
    case 'mcp.paused':
    case 'request.rate_limited':
    case 'auth.too_many_attempts':
    case 'auth.too_many_sign_ins':
      return retryAfter === undefined
        ? { text: t('error.tooMany'), canRetry: true }
        : { text: t('error.tooMany.until', { seconds: Math.ceil(retryAfter) }), canRetry: true }
    case 'auth.forbidden':
      return { text: t('error.forbidden'), canRetry: false }
    case 'auth.suspended':
      return { text: t('error.suspended'), canRetry: false }
    case 'auth.invalid_credentials':
      return { text: t('error.credentials'), canRetry: false }
    case 'auth.wrong_password':
      return { text: t('error.wrongPassword'), canRetry: false }
    case 'auth.totp_invalid':
      return { text: t('error.totp'), canRetry: false }
    case 'auth.invalid_link':
      return { text: t('error.link'), canRetry: false }
    case 'auth.email_taken':
      return { text: t('error.emailTaken'), next: { href: '/sign-in', label: t('auth.signIn') }, canRetry: false }
    case 'guest.off':
    case 'guest.too_many':
      return {
        text: t(code === 'guest.off' ? 'error.guest.off' : 'error.guest.tooMany'),
        next: { href: '/sign-up', label: t('auth.signUp') },
        canRetry: false,
      }
    case 'guest.not_allowed':
      return {
        text: t('error.guest.notAllowed'),
        next: { href: '/profile', label: t('error.guest.next') },
        canRetry: false,
      }
    case 'mcp.no_sign_in':
      return { text: t('error.mcp.noSignIn'), canRetry: true }
    case 'mcp.off':
      return { text: t('error.mcp.off'), next: { href: '/servers', label: t('nav.servers') }, canRetry: false }
    case 'mail.not_set_up':
      return { text: t('error.noMail'), canRetry: false }
    case 'storage.quota_exceeded':
      return { text: t('error.quota'), next: { href: '/files', label: t('nav.files') }, canRetry: false }
    case 'server.error':
    case 'database.unavailable':
    case 'queue.unavailable':
    case 'server.busy':
    case 'server.closing':
      return { text: t('error.server'), canRetry: true }
    default:
      if (code.endsWith('.not_found')) return { text: t('error.notFound'), canRetry: false }
      if (code.endsWith('.too_many') && error.status === 409) return { text: t('error.limit'), canRetry: false }
      // The API's own words are good ones, in English.
      return { text: message, canRetry: error.status >= 500 || error.status === 429 }
  }
}

/** What is wrong with single fields, by their paths (`chatStyle.humor`), of a 400 `request.invalid`. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof ApiError) || error.code !== 'request.invalid') return {}
  const { issues } = error.details
  if (!Array.isArray(issues)) return {}
  const found: Record<string, string> = {}
  for (const issue of issues) {
    if (typeof issue !== 'object' || issue === null || !('path' in issue) || !('message' in issue)) continue
    const path = Array.isArray(issue.path) ? issue.path.join('.') : String(issue.path)
    found[path] ??= String(issue.message)
  }
  return found
}
