import { useQuery } from '@tanstack/react-query'
import { CircleAlert, CircleCheck, X } from 'lucide-react'
import { saidOf } from '../../errors/error-words.ts'
import { Spinner } from '../../parts/button.tsx'
import { classes } from '../../parts/class-names.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import type { Attachment } from './use-attachments.ts'
import type words from './words/en.ts'

/** Files on their way: uploaded, read, ready. */
export function AttachmentList({ all, onRemove }: { all: readonly Attachment[]; onRemove: (key: string) => void }) {
  const t = useWords<typeof words>()
  if (all.length === 0) return null
  return (
    <ul aria-label={t('room.files')} className="flex max-h-32 flex-wrap gap-2 overflow-y-auto px-1 pt-1">
      {all.map((attachment) => (
        <li key={attachment.key}>
          <AttachmentChip attachment={attachment} onRemove={() => onRemove(attachment.key)} />
        </li>
      ))}
    </ul>
  )
}

function AttachmentChip({ attachment, onRemove }: { attachment: Attachment; onRemove: () => void }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const client = useClient()
  const { name, size, sent, view, error } = attachment
  // `file.updated` makes it stale; without a connection it is asked for now and then.
  const { data: file } = useQuery({
    queryKey: ['files', 'one', view?.id],
    queryFn: ({ signal }) => client.files.get(view?.id ?? '', { signal }),
    enabled: view !== null,
    refetchInterval: ({ state }) => (state.data?.status === 'ready' || state.data?.status === 'failed' ? false : 5_000),
  })
  const status = file?.status ?? view?.status
  const isFailed = error !== null || status === 'failed'
  const said =
    error !== null
      ? saidOf(error, t, formats).text
      : status === undefined
        ? t('room.file.uploading', { percent: formats.percent(sent) })
        : status === 'failed' && file?.error
          ? file.error.message
          : t(`room.file.${status}`)
  return (
    <span
      className={classes(
        'flex min-h-10 max-w-72 items-center gap-2 rounded-lg border bg-card ps-3 text-sm',
        isFailed ? 'border-danger' : 'border-line',
      )}
    >
      {isFailed ? (
        <CircleAlert aria-hidden="true" className="size-4 shrink-0 text-danger" />
      ) : status === 'ready' ? (
        <CircleCheck aria-hidden="true" className="size-4 shrink-0 text-good" />
      ) : (
        <Spinner />
      )}
      <span className="min-w-0 py-1">
        <span className="block truncate">
          <bdi>{name}</bdi>
        </span>
        <span role="status" className={classes('block truncate text-xs', isFailed ? 'text-danger' : 'text-ink-soft')}>
          {said}
          {status === undefined && error === null && ` · ${formats.bytes(size)}`}
        </span>
      </span>
      <button
        type="button"
        aria-label={t('room.file.remove', { name })}
        title={t('room.file.remove', { name })}
        onClick={onRemove}
        className="grid size-9 shrink-0 place-items-center rounded-md text-ink-soft hover:text-ink"
      >
        <X aria-hidden="true" className="size-4" />
      </button>
    </span>
  )
}
