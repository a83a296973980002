import { useMutation } from '@tanstack/react-query'
import { Download, Trash2 } from 'lucide-react'
import type { UserView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { saveAs } from '../../parts/save-as.ts'
import { toast } from '../../parts/toast.tsx'
import { endSession, useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** All that is kept of the account: to take along, or to have erased. */
export function OwnData({ me }: { me: UserView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const take = useMutation({
    mutationFn: async () => (await client.users.export(me.id)).blob(),
    onSuccess: (blob) => saveAs(blob, 'chatsparty-export.zip'),
    onError: useErrorToast(),
  })
  const erase = useMutation({
    mutationFn: () => client.users.delete(me.id),
    onSuccess() {
      endSession()
      toast(t('profile.deleted'))
    },
    onError: useErrorToast(),
  })
  const ask = async () => {
    const question = { title: t('profile.delete.title'), text: t('profile.delete.text'), action: t('profile.delete') }
    if (await confirm({ ...question, danger: true, typed: me.guest ? me.name : me.email })) erase.mutate()
  }
  return (
    <div className="grid gap-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="min-w-0 flex-1 basis-60 text-ink-soft text-sm">{t('profile.export.text')}</p>
        <Button
          busy={take.isPending}
          icon={<Download aria-hidden="true" className="size-4" />}
          onClick={() => take.mutate()}
        >
          {t('profile.export')}
        </Button>
      </div>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="min-w-0 flex-1 basis-60 text-ink-soft text-sm">{t('profile.delete.lead')}</p>
        <Button
          kind="danger"
          busy={erase.isPending}
          icon={<Trash2 aria-hidden="true" className="size-4" />}
          onClick={() => void ask()}
        >
          {t('profile.delete')}
        </Button>
      </div>
    </div>
  )
}
