import { useMutation, useQueryClient } from '@tanstack/react-query'
import { CircleAlert, CircleCheck, Download, Eye, RotateCw, Trash2 } from 'lucide-react'
import type { FileView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { Button, IconButton, Spinner } from '../../parts/button.tsx'
import { saveAs } from '../../parts/save-as.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { openFile } from '../room/open-file.ts'
import { useWhyFailed } from './why-failed.ts'
import type words from './words/en.ts'

/** One file: what it is, whether it was read, and why not. */
export function FileRow({
  file,
  isMarked,
  onMark,
  onDelete,
}: {
  file: FileView
  isMarked: boolean
  onMark: (isMarked: boolean) => void
  onDelete: () => void
}) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const client = useClient()
  const queries = useQueryClient()
  const sayError = useErrorToast()
  const whyFailed = useWhyFailed()
  const { id, name, status, pages } = file
  const again = useMutation({
    mutationFn: () => client.files.reprocess(id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['files'] }),
    onError: sayError,
  })
  const download = useMutation({
    mutationFn: async () => saveAs(await (await client.files.download(id)).blob(), name),
    onError: sayError,
  })
  const facts = [
    formats.bytes(file.size),
    pages ? t('files.pages', { count: pages }) : '',
    formats.time(file.createdAt),
  ]
  return (
    <li className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-2 rounded-card border border-line bg-card px-3 py-2.5">
      <input
        type="checkbox"
        aria-label={t('files.mark', { name })}
        checked={isMarked}
        onChange={({ currentTarget: { checked } }) => onMark(checked)}
        className="size-4 shrink-0 accent-accent"
      />
      <div className="min-w-0 flex-1 basis-48">
        <p className="break-words font-medium">
          <bdi>{name}</bdi>
        </p>
        <p className="text-ink-soft text-sm">{facts.filter(Boolean).join(' · ')}</p>
        {file.error && <p className="text-danger text-sm">{whyFailed(file.error)}</p>}
      </div>
      <span className="inline-flex items-center gap-1.5 text-sm">
        {status === 'processing' && <Spinner />}
        {status === 'ready' && <CircleCheck aria-hidden="true" className="size-4 text-good" />}
        {status === 'failed' && <CircleAlert aria-hidden="true" className="size-4 text-danger" />}
        {t(`files.state.${status}`)}
      </span>
      <div className="flex items-center gap-1">
        {status === 'failed' && (
          <Button
            small
            busy={again.isPending}
            icon={<RotateCw aria-hidden="true" className="size-4" />}
            onClick={() => again.mutate()}
          >
            {t('files.again')}
          </Button>
        )}
        {canBeShown(file) && (
          <IconButton label={t('files.open', { name })} onClick={() => void openFile(client, id, null).catch(sayError)}>
            <Eye aria-hidden="true" className="size-5" />
          </IconButton>
        )}
        <IconButton
          label={t('files.download', { name })}
          aria-busy={download.isPending}
          onClick={() => !download.isPending && download.mutate()}
        >
          <Download aria-hidden="true" className="size-5" />
        </IconButton>
        <IconButton label={t('files.delete.of', { name })} onClick={onDelete}>
          <Trash2 aria-hidden="true" className="size-5" />
        </IconButton>
      </div>
    </li>
  )
}

/** Types that the server lets a browser show in place. */
const SHOWN = /^(application\/pdf|image\/(png|jpeg|gif|webp|avif)|text\/plain)$/
const canBeShown = ({ status, contentType }: FileView) => status === 'ready' && SHOWN.test(contentType)
