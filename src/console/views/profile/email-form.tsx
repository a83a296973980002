import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { UserView } from '../../../client/client.ts'
import { ErrorNotice, useErrorToast } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { useProfileChange } from './use-profile-change.ts'
import type words from './words/en.ts'

/** The address, whether it is proven, and another one, which takes the password. */
export function EmailForm({ me }: { me: UserView }) {
  const t = useWords<typeof words>()
  const [isChanging, setChanging] = useState(false)
  return (
    <div>
      <p className="font-medium text-sm">{t('profile.email')}</p>
      <div className="mt-1 flex flex-wrap items-center justify-between gap-3">
        <p className="min-w-0 break-words">
          <bdi>{me.email}</bdi>{' '}
          <span className={me.emailVerified ? 'text-good text-sm' : 'text-sm text-warning'}>
            {me.emailVerified ? t('profile.email.verified') : t('profile.email.unverified')}
          </span>
        </p>
        <span className="flex flex-wrap gap-2">
          {!me.emailVerified && <Resend />}
          <Button small aria-expanded={isChanging} onClick={() => setChanging(!isChanging)}>
            {t('profile.email.change')}
          </Button>
        </span>
      </div>
      {isChanging && <NewEmail onDone={() => setChanging(false)} />}
    </div>
  )
}

function Resend() {
  const t = useWords<typeof words>()
  const client = useClient()
  const send = useMutation({
    mutationFn: () => client.auth.resendVerification(),
    onSuccess: () => toast(t('profile.email.sent')),
    onError: useErrorToast(),
  })
  return (
    <Button small busy={send.isPending} onClick={() => send.mutate()}>
      {t('profile.email.resend')}
    </Button>
  )
}

function NewEmail({ onDone }: { onDone: () => void }) {
  const t = useWords<typeof words>()
  const change = useProfileChange(t('profile.saved'))
  const wrong = fieldErrors(change.error)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const body = { email: String(form.get('email')), currentPassword: String(form.get('password')) }
    change.mutate(body, { onSuccess: onDone })
  }
  return (
    <form onSubmit={submit} className="mt-4 grid gap-4">
      <ErrorNotice error={wrong.email ? null : change.error} />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label={t('profile.email.new')}
          name="email"
          type="email"
          autoComplete="email"
          required
          error={wrong.email}
        />
        <TextField
          label={t('profile.password.current')}
          name="password"
          type="password"
          autoComplete="current-password"
          required
        />
      </div>
      <Button type="submit" kind="primary" className="justify-self-start" busy={change.isPending}>
        {t('action.save')}
      </Button>
    </form>
  )
}
