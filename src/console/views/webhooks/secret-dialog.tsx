import type { SecretWebhookView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import { CopyField } from '../../parts/copy-field.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** The secret that deliveries are signed with, which is shown here and never again. */
export function SecretDialog({ made, onClose }: { made: SecretWebhookView; onClose: () => void }) {
  const t = useWords<typeof words>()
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t('hooks.secret.title')}
      footer={
        <Button kind="primary" onClick={onClose}>
          {t('action.close')}
        </Button>
      }
    >
      <div className="grid gap-4">
        <p role="status">{t('hooks.secret.text')}</p>
        <CopyField label={t('hooks.secret')} value={made.secret} />
      </div>
    </Dialog>
  )
}
