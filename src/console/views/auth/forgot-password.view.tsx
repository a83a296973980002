import { useMutation } from '@tanstack/react-query'
import type { FormEvent } from 'react'
import { Link } from 'wouter'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { AuthFrame } from './auth-frame.tsx'
import type words from './words/en.ts'

export default function ForgotPasswordView() {
  const t = useWords<typeof words>()
  const client = useClient()
  const ask = useMutation({ mutationFn: (email: string) => client.auth.forgotPassword(email) })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    ask.mutate(String(new FormData(event.currentTarget).get('email')))
  }
  return (
    <AuthFrame title={t('auth.forgot.title')} lead={t('auth.forgot.lead')}>
      {ask.isSuccess ? (
        <p role="status">{t('auth.forgot.sent')}</p>
      ) : (
        <form onSubmit={submit} className="grid gap-4">
          <ErrorNotice error={ask.error} />
          <TextField label={t('auth.email')} name="email" type="email" autoComplete="username" required />
          <Button type="submit" kind="primary" busy={ask.isPending}>
            {t('auth.forgot.send')}
          </Button>
        </form>
      )}
      <p className="mt-5 text-sm">
        <Link href="/sign-in" className="text-accent underline">
          {t('auth.backToSignIn')}
        </Link>
      </p>
    </AuthFrame>
  )
}
