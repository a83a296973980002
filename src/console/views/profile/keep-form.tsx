import { useMutation } from '@tanstack/react-query'
import type { FormEvent } from 'react'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { NewPasswordField } from '../../parts/new-password-field.tsx'
import { toast } from '../../parts/toast.tsx'
import { beginSession, useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** A guest's account becomes one that stays, with all that is in it. */
export function KeepForm() {
  const t = useWords<typeof words>()
  const client = useClient()
  const keep = useMutation({
    mutationFn: (body: { email: string; password: string }) => client.keep(body),
    onSuccess(signedIn) {
      beginSession(signedIn)
      toast(t('profile.keep.done'))
    },
  })
  const wrong = fieldErrors(keep.error)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    keep.mutate({ email: String(form.get('email')), password: String(form.get('password')) })
  }
  return (
    <form onSubmit={submit} className="grid gap-4">
      <ErrorNotice error={wrong.email || wrong.password ? null : keep.error} />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label={t('profile.email')}
          name="email"
          type="email"
          autoComplete="username"
          required
          error={wrong.email}
        />
        <NewPasswordField label={t('profile.password')} name="password" error={wrong.password} />
      </div>
      <Button type="submit" kind="primary" className="justify-self-start" busy={keep.isPending}>
        {t('profile.keep.do')}
      </Button>
    </form>
  )
}
