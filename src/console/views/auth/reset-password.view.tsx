import { useMutation } from '@tanstack/react-query'
import type { FormEvent } from 'react'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button, ButtonLink } from '../../parts/button.tsx'
import { NewPasswordField } from '../../parts/new-password-field.tsx'
import { endSession, useClient, useIsSignedIn } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { AuthFrame } from './auth-frame.tsx'
import { useLinkToken } from './link-token.ts'
import type words from './words/en.ts'

export default function ResetPasswordView() {
  const t = useWords<typeof words>()
  const client = useClient()
  const isSignedIn = useIsSignedIn()
  const token = useLinkToken()
  const reset = useMutation({
    mutationFn: (newPassword: string) => client.auth.resetPassword({ token, newPassword }),
    // All sessions have ended with it, this page's too.
    onSuccess: () => isSignedIn && endSession(),
  })
  const wrong = fieldErrors(reset.error)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    reset.mutate(String(new FormData(event.currentTarget).get('password')))
  }
  return (
    <AuthFrame title={t('auth.reset.title')} lead={t('auth.reset.lead')}>
      {reset.isSuccess ? (
        <div role="status" className="grid gap-4">
          <p>{t('auth.reset.done')}</p>
          <ButtonLink href="/sign-in" kind="primary">
            {t('auth.signIn')}
          </ButtonLink>
        </div>
      ) : (
        <form onSubmit={submit} className="grid gap-4">
          <ErrorNotice error={wrong.newPassword ? null : reset.error} />
          <NewPasswordField label={t('auth.newPassword')} name="password" error={wrong.newPassword} />
          <Button type="submit" kind="primary" busy={reset.isPending}>
            {t('auth.reset.save')}
          </Button>
        </form>
      )}
    </AuthFrame>
  )
}
