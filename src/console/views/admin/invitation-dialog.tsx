import { TextField } from '../../parts/field.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'
import { decimal, written } from './written.ts'

const DAY_MS = 86_400_000

export function InvitationDialog({ onMade, onClose }: { onMade: (code: string) => void; onClose: () => void }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const send = async (form: FormData) => {
    const [email, grant, days] = [written(form, 'email'), decimal(form, 'grant'), Number(written(form, 'days'))]
    const { code } = await client.invitations.create({
      uses: Number(written(form, 'uses')),
      ...(email !== '' && { email }),
      ...(grant !== '' && { grant }),
      ...(days > 0 && { expiresAt: new Date(Date.now() + days * DAY_MS).toISOString() }),
    })
    onMade(code)
  }
  return (
    <FormDialog
      title={t('admin.invite')}
      action={t('action.create')}
      onDone={() => {
        toast(t('admin.invited'))
        onClose()
      }}
      stale="invitations"
      onClose={onClose}
      send={send}
    >
      {(wrong) => (
        <>
          <TextField
            label={t('admin.email')}
            hint={t('admin.invite.email')}
            name="email"
            type="email"
            error={wrong.email}
          />
          <div className="grid gap-4 sm:grid-cols-3">
            <TextField
              label={t('admin.uses')}
              name="uses"
              type="number"
              min={1}
              max={10_000}
              defaultValue={1}
              required
              error={wrong.uses}
            />
            <TextField
              label={t('nav.credits')}
              hint={t('admin.invite.grant')}
              name="grant"
              inputMode="decimal"
              error={wrong.grant}
            />
            <TextField
              label={t('admin.invite.days')}
              name="days"
              type="number"
              min={1}
              max={3_650}
              defaultValue={14}
              error={wrong.expiresAt}
            />
          </div>
        </>
      )}
    </FormDialog>
  )
}
