import { useMutation } from '@tanstack/react-query'
import { CircleAlert, FileText, LoaderCircle } from 'lucide-react'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { openFile } from './open-file.ts'
import { useFile } from './room-files.ts'
import type words from './words/en.ts'

const CHIP = 'inline-flex min-h-8 max-w-60 items-center gap-1.5 rounded-full border border-line bg-card px-3 text-sm'

/** A file that came with a message: opened by pressing it. */
export function FileChip({ id }: { id: string }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const file = useFile(id)
  const open = useMutation({ mutationFn: () => openFile(client, id, null), onError: useErrorToast() })
  if (file === undefined) return <span className={CHIP}>…</span>
  if (file === null) return <span className={`${CHIP} text-ink-soft italic`}>{t('room.file.gone')}</span>
  const { status, name } = file
  const Icon = status === 'processing' ? LoaderCircle : status === 'failed' ? CircleAlert : FileText
  return (
    <button
      type="button"
      title={t('room.file.open', { name })}
      className={`${CHIP} hover:border-accent`}
      onClick={() => open.mutate()}
    >
      <Icon aria-hidden="true" className={`size-4 shrink-0 ${status === 'processing' ? 'animate-spin' : ''}`} />
      <bdi className="truncate">{name}</bdi>
      {status !== 'ready' && <span className="sr-only">, {t(`room.file.${status}`)}</span>}
    </button>
  )
}
