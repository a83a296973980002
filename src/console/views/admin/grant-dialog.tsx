import { useState } from 'react'
import type { ManagedUserView } from '../../../client/client.ts'
import { TextField } from '../../parts/field.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'
import { decimal, written } from './written.ts'

/** Gives credits, or takes them back by a negative amount; sent twice it counts once. */
export function GrantDialog({ user, onClose }: { user: ManagedUserView; onClose: () => void }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const [idempotencyKey] = useState(() => crypto.randomUUID())
  return (
    <FormDialog
      title={t('admin.grant.title', { name: user.name })}
      action={t('admin.grant')}
      onDone={() => {
        toast(t('admin.granted'))
        onClose()
      }}
      stale="credits"
      onClose={onClose}
      send={(form) =>
        client.credits.add(
          { userId: user.id, amount: decimal(form, 'amount'), reason: written(form, 'reason') },
          { idempotencyKey },
        )
      }
    >
      {(wrong) => (
        <>
          <TextField
            label={t('admin.amount')}
            hint={t('admin.amount.hint')}
            name="amount"
            inputMode="text"
            required
            error={wrong.amount}
          />
          <TextField label={t('admin.reason')} name="reason" maxLength={500} required error={wrong.reason} />
        </>
      )}
    </FormDialog>
  )
}
