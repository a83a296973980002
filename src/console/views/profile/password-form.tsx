import type { FormEvent } from 'react'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { NewPasswordField } from '../../parts/new-password-field.tsx'
import { useWords } from '../../words/use-words.ts'
import { useProfileChange } from './use-profile-change.ts'
import type words from './words/en.ts'

export function PasswordForm() {
  const t = useWords<typeof words>()
  const change = useProfileChange(t('profile.password.saved'))
  const wrong = fieldErrors(change.error)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const said = new FormData(form)
    const body = { currentPassword: String(said.get('current')), newPassword: String(said.get('new')) }
    change.mutate(body, { onSuccess: () => form.reset() })
  }
  return (
    <form onSubmit={submit} className="grid gap-4">
      <ErrorNotice error={wrong.newPassword ? null : change.error} />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label={t('profile.password.current')}
          name="current"
          type="password"
          autoComplete="current-password"
          required
        />
        <NewPasswordField label={t('profile.password.new')} name="new" error={wrong.newPassword} />
      </div>
      <Button type="submit" className="justify-self-start" busy={change.isPending}>
        {t('profile.password.change')}
      </Button>
    </form>
  )
}
