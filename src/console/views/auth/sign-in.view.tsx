import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Link, Redirect, useSearch } from 'wouter'
import { ApiError } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { beginSession, useClient, useIsSignedIn } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { AuthFrame } from './auth-frame.tsx'
import { nextPath } from './next-path.ts'
import type words from './words/en.ts'

const asksForCode = (error: unknown): boolean =>
  error instanceof ApiError && (error.code === 'auth.totp_required' || error.code === 'auth.totp_invalid')

export default function SignInView() {
  const t = useWords<typeof words>()
  const client = useClient()
  const search = useSearch()
  const isSignedIn = useIsSignedIn()
  const [needsCode, setNeedsCode] = useState(false)
  const signIn = useMutation({
    mutationFn: (body: { email: string; password: string; totp?: string }) => client.login(body),
    onSuccess: beginSession,
    onError: (error) => setNeedsCode((needed) => needed || asksForCode(error)),
  })
  if (isSignedIn) return <Redirect to={nextPath(search)} replace />
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const totp = String(form.get('totp') ?? '').trim()
    signIn.mutate({
      email: String(form.get('email')),
      password: String(form.get('password')),
      ...(totp !== '' && { totp }),
    })
  }
  const isFirstAsk = signIn.error instanceof ApiError && signIn.error.code === 'auth.totp_required'
  return (
    <AuthFrame title={t('auth.signIn')} lead={t('auth.signIn.lead')}>
      <form onSubmit={submit} className="grid gap-4">
        <ErrorNotice error={isFirstAsk ? null : signIn.error} />
        <TextField label={t('auth.email')} name="email" type="email" autoComplete="username" required />
        <TextField
          label={t('auth.password')}
          name="password"
          type="password"
          autoComplete="current-password"
          required
        />
        {needsCode && (
          <TextField
            label={t('auth.code')}
            hint={t('auth.code.hint')}
            name="totp"
            autoComplete="one-time-code"
            // It appears because it is asked for.
            ref={(field) => field?.focus()}
            maxLength={32}
            required
          />
        )}
        <Button type="submit" kind="primary" busy={signIn.isPending}>
          {t('auth.signIn')}
        </Button>
      </form>
      <p className="mt-5 flex flex-wrap justify-between gap-x-4 gap-y-2 text-sm">
        <Link href={`/sign-up${search ? `?${search}` : ''}`} className="text-accent underline">
          {t('auth.toSignUp')}
        </Link>
        <Link href="/forgot-password" className="text-accent underline">
          {t('auth.forgot')}
        </Link>
      </p>
    </AuthFrame>
  )
}
