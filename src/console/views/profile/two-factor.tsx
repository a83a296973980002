import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, lazy, Suspense, useState } from 'react'
import type { UserView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { CopyField } from '../../parts/copy-field.tsx'
import { TextField } from '../../parts/field.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

const QrCode = lazy(() => import('./qr-code.tsx'))

/** A code besides the password: set up in three steps (password, app, code), or taken off. */
export function TwoFactor({ me }: { me: UserView }) {
  const t = useWords<typeof words>()
  const [codes, setCodes] = useState<readonly string[]>()
  if (codes) return <RecoveryCodes codes={codes} onDone={() => setCodes(undefined)} />
  return me.totpEnabled ? (
    <>
      <p className="mb-4 text-good">{t('profile.factor.on')}</p>
      <TakeOff />
    </>
  ) : (
    <SetUp onCodes={setCodes} />
  )
}

function SetUp({ onCodes }: { onCodes: (codes: readonly string[]) => void }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const begin = useMutation({ mutationFn: (password: string) => client.auth.beginTotp(password) })
  const confirm = useMutation({
    mutationFn: (code: string) => client.auth.confirmTotp(code),
    async onSuccess({ recoveryCodes }) {
      onCodes(recoveryCodes)
      await queries.invalidateQueries({ queryKey: ['me'] })
    },
  })
  if (!begin.data) return <AskPassword action={t('profile.factor.begin')} state={begin} onSubmit={begin.mutate} />
  return (
    <div className="grid gap-4">
      <p>{t('profile.factor.scan')}</p>
      <Suspense fallback={<Skeleton className="size-48" />}>
        <QrCode text={begin.data.otpauthUrl} label={t('profile.factor.qr')} />
      </Suspense>
      <CopyField label={t('profile.factor.secret')} value={begin.data.secret} />
      <OneField
        label={t('profile.factor.code')}
        autoComplete="one-time-code"
        inputMode="numeric"
        action={t('profile.factor.confirm')}
        state={confirm}
        onSubmit={confirm.mutate}
      />
    </div>
  )
}

function RecoveryCodes({ codes, onDone }: { codes: readonly string[]; onDone: () => void }) {
  const t = useWords<typeof words>()
  return (
    <div className="grid gap-4">
      <p role="status">{t('profile.factor.recovery')}</p>
      <ul dir="ltr" className="grid grid-cols-2 gap-2 rounded-lg bg-sunken p-4 font-mono text-sm">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <Button kind="primary" className="justify-self-start" onClick={onDone}>
        {t('profile.factor.kept')}
      </Button>
    </div>
  )
}

function TakeOff() {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const disable = useMutation({
    mutationFn: (password: string) => client.auth.disableTotp({ password }),
    async onSuccess() {
      toast(t('profile.factor.off'))
      await queries.invalidateQueries({ queryKey: ['me'] })
    },
  })
  return <AskPassword action={t('profile.factor.end')} state={disable} onSubmit={disable.mutate} />
}

interface Asked {
  action: string
  state: { error: unknown; isPending: boolean }
  onSubmit: (value: string) => void
}

function AskPassword(asked: Asked) {
  const t = useWords<typeof words>()
  return <OneField label={t('profile.password.current')} type="password" autoComplete="current-password" {...asked} />
}

function OneField({
  action,
  state,
  onSubmit,
  ...field
}: Asked & { label: string; type?: 'password'; inputMode?: 'numeric'; autoComplete: string }) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    onSubmit(String(new FormData(event.currentTarget).get('value')).trim())
  }
  return (
    <form onSubmit={submit} className="grid gap-3">
      <ErrorNotice error={state.error} />
      <div className="flex flex-wrap items-end gap-3">
        <TextField {...field} className="flex-1 basis-52" name="value" required />
        <Button type="submit" busy={state.isPending}>
          {action}
        </Button>
      </div>
    </form>
  )
}
