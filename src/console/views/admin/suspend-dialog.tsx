import type { ManagedUserView } from '../../../client/client.ts'
import { TextField } from '../../parts/field.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'
import { written } from './written.ts'

export function SuspendDialog({ user, onClose }: { user: ManagedUserView; onClose: () => void }) {
  const t = useWords<typeof words>()
  const client = useClient()
  return (
    <FormDialog
      title={t('admin.suspend.title', { name: user.name })}
      description={t('admin.suspend.text')}
      action={t('admin.suspend')}
      danger
      onDone={() => {
        toast(t('admin.suspended'))
        onClose()
      }}
      stale="users"
      onClose={onClose}
      send={(form) => client.users.suspend(user.id, written(form, 'reason'))}
    >
      {(wrong) => <TextField label={t('admin.reason')} name="reason" maxLength={200} required error={wrong.reason} />}
    </FormDialog>
  )
}
