import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Link, Redirect, useSearch } from 'wouter'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { NewPasswordField } from '../../parts/new-password-field.tsx'
import { beginSession, useClient, useIsSignedIn } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { AuthFrame } from './auth-frame.tsx'
import { nextPath } from './next-path.ts'
import type words from './words/en.ts'

export default function SignUpView() {
  const t = useWords<typeof words>()
  const client = useClient()
  const search = useSearch()
  const isSignedIn = useIsSignedIn()
  const invitation = new URLSearchParams(search).get('invitation') ?? ''
  const [hasCode, setHasCode] = useState(invitation !== '')
  const signUp = useMutation({
    mutationFn: (body: Parameters<typeof client.register>[0]) => client.register(body),
    onSuccess: beginSession,
  })
  if (isSignedIn) return <Redirect to={nextPath(search)} replace />
  const wrong = fieldErrors(signUp.error)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const text = (name: string) => String(form.get(name) ?? '').trim()
    signUp.mutate({
      email: text('email'),
      password: String(form.get('password')),
      ...(text('name') !== '' && { name: text('name') }),
      ...(text('invitationCode') !== '' && { invitationCode: text('invitationCode') }),
    })
  }
  return (
    <AuthFrame title={t('auth.signUp')} lead={t('auth.signUp.lead')}>
      <form onSubmit={submit} className="grid gap-4">
        <ErrorNotice error={Object.keys(wrong).length > 0 ? null : signUp.error} />
        <TextField label={t('auth.name')} name="name" autoComplete="name" maxLength={100} error={wrong.name} />
        <TextField
          label={t('auth.email')}
          name="email"
          type="email"
          autoComplete="username"
          required
          error={wrong.email}
        />
        <NewPasswordField label={t('auth.password')} name="password" error={wrong.password} />
        {hasCode ? (
          <TextField
            label={t('auth.invitation')}
            name="invitationCode"
            defaultValue={invitation}
            autoComplete="off"
            maxLength={100}
            error={wrong.invitationCode}
          />
        ) : (
          <button
            type="button"
            className="justify-self-start text-accent text-sm underline"
            onClick={() => setHasCode(true)}
          >
            {t('auth.hasInvitation')}
          </button>
        )}
        <Button type="submit" kind="primary" busy={signUp.isPending}>
          {t('auth.signUp')}
        </Button>
      </form>
      <p className="mt-5 text-sm">
        <Link href={`/sign-in${search ? `?${search}` : ''}`} className="text-accent underline">
          {t('auth.toSignIn')}
        </Link>
      </p>
    </AuthFrame>
  )
}
