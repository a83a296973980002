import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import type { ApiKeyInput, NewApiKeyView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button } from '../../parts/button.tsx'
import { CopyField } from '../../parts/copy-field.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { CheckboxField, SelectField, TextField } from '../../parts/field.tsx'
import { useClient } from '../../session/session.ts'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

const DAYS = [30, 90, 365] as const
const DAY_MS = 86_400_000

/** What a new key may do; then the key itself, which is shown here and never again. */
export function NewKeyDialog({ onClose }: { onClose: () => void }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const make = useMutation({
    mutationFn: (body: ApiKeyInput) => client.keys.create(body),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['keys'] }),
  })
  const form = useId()
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={make.data ? t('keys.made') : t('keys.make')}
      footer={
        make.data ? (
          <Button kind="primary" onClick={onClose}>
            {t('action.close')}
          </Button>
        ) : (
          <>
            <Button onClick={onClose}>{t('action.cancel')}</Button>
            <Button kind="primary" type="submit" form={form} busy={make.isPending}>
              {t('action.create')}
            </Button>
          </>
        )
      }
    >
      {make.data ? <Made made={make.data} /> : <Form id={form} error={make.error} onSubmit={make.mutate} />}
    </Dialog>
  )
}

function Made({ made }: { made: NewApiKeyView }) {
  const t = useWords<typeof words>()
  return (
    <div className="grid gap-4">
      <p role="status">{t('keys.made.text')}</p>
      <CopyField label={t('keys.key')} value={made.key} />
    </div>
  )
}

function Form({ id, error, onSubmit }: { id: string; error: unknown; onSubmit: (body: ApiKeyInput) => void }) {
  const t = useWords<typeof words>()
  const { data: me } = useMe()
  const [scope, setScope] = useState<'read' | 'chat'>('chat')
  const wrong = fieldErrors(error)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const days = Number(form.get('days'))
    const budget = String(form.get('budget') ?? '').trim()
    onSubmit({
      name: String(form.get('name')),
      scopes: form.get('admin') ? [scope, 'admin'] : [scope],
      expiresAt: days > 0 ? new Date(Date.now() + days * DAY_MS).toISOString() : null,
      monthlyCredits: budget === '' ? null : budget.replace(',', '.'),
    })
  }
  return (
    <form id={id} onSubmit={submit} className="grid gap-4">
      <ErrorNotice error={Object.keys(wrong).length > 0 ? null : error} />
      <TextField
        label={t('keys.name')}
        hint={t('keys.name.hint')}
        name="name"
        required
        maxLength={100}
        error={wrong.name}
      />
      <SelectField
        label={t('keys.may')}
        hint={t(`keys.scope.${scope}.hint`)}
        value={scope}
        onChange={({ currentTarget: { value } }) => setScope(value === 'read' ? 'read' : 'chat')}
        options={[
          ['chat', t('keys.scope.chat')],
          ['read', t('keys.scope.read')],
        ]}
      />
      {me?.role === 'admin' && (
        <CheckboxField name="admin" label={t('keys.scope.admin')} hint={t('keys.scope.admin.hint')} />
      )}
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField
          label={t('keys.expires')}
          name="days"
          defaultValue="90"
          error={wrong.expiresAt}
          options={[...DAYS.map((days) => [String(days), t('keys.days', { days })] as const), ['0', t('keys.never')]]}
        />
        <TextField
          label={t('keys.budget')}
          hint={t('keys.budget.hint')}
          name="budget"
          inputMode="decimal"
          error={wrong.monthlyCredits}
        />
      </div>
    </form>
  )
}
