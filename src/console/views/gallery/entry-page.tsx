import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ArrowLeft, Download, RefreshCw, ShieldX, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { ApiError, type WholeGalleryEntryView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { Button, ButtonLink } from '../../parts/button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useMe } from '../../session/use-me.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { EntryKind } from './entry-kind.tsx'
import { GALLERY, useEntry } from './gallery-queries.ts'
import { GalleryTrouble } from './gallery-trouble.tsx'
import { ImportDialog } from './import-dialog.tsx'
import { isolated } from './isolated.ts'
import { PublishDialog } from './publish-dialog.tsx'
import { PublishedAgent } from './published-agent.tsx'
import { PublishedParty } from './published-party.tsx'
import { RemoveDialog } from './remove-dialog.tsx'
import { addressOf } from './use-asked.ts'
import type words from './words/en.ts'

/** An entry with all that an import of it brings, and what may be done with it. */
export function EntryPage({ id }: { id: string }) {
  const t = useWords<typeof words>()
  const found = useEntry(id)
  if (found.data) return <Entry entry={found.data} />
  const isGone = found.error instanceof ApiError && found.error.status === 404
  return (
    <Page title={t('nav.gallery')}>
      {found.isPending && <SkeletonList lines={3} className="h-40" />}
      {isGone && (
        <EmptyState
          title={t('gallery.notFound')}
          action={<ButtonLink href="/gallery">{t('gallery.browse')}</ButtonLink>}
        >
          {t('gallery.notFound.text')}
        </EmptyState>
      )}
      {!isGone && <GalleryTrouble error={found.error} onRetry={() => void found.refetch()} />}
    </Page>
  )
}

function Entry({ entry }: { entry: WholeGalleryEntryView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  return (
    <Page
      title={entry.name}
      lead={t('gallery.author', { name: isolated(entry.authorName) })}
      actions={<Actions entry={entry} />}
    >
      <div className="grid gap-6">
        {entry.removed && (
          <div className="rounded-card bg-danger-soft px-5 py-4 text-danger">
            <p className="break-words font-medium">{t('gallery.removed.lead', { reason: entry.removed.reason })}</p>
            {entry.mine && <p className="mt-1">{t('gallery.removed.next')}</p>}
          </div>
        )}
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2 text-ink-soft text-sm">
          <EntryKind entry={{ kind: entry.kind, removed: null }} />
          <span>{t('gallery.imports', { count: entry.imports })}</span>
          <time dateTime={entry.updatedAt} title={formats.time(entry.updatedAt)}>
            {t('gallery.updated', { when: formats.ago(entry.updatedAt) })}
          </time>
        </div>
        {entry.description && (
          <p className="max-w-prose whitespace-pre-wrap break-words text-lg">
            <bdi>{entry.description}</bdi>
          </p>
        )}
        {entry.tags.length > 0 && (
          <ul aria-label={t('gallery.tags')} className="flex flex-wrap gap-2">
            {entry.tags.map((tag) => (
              <li key={tag}>
                <Link
                  href={addressOf({ tag })}
                  className="inline-flex min-h-8 items-center rounded-full bg-sunken px-3 text-sm hover:text-accent"
                >
                  <bdi>{tag}</bdi>
                </Link>
              </li>
            ))}
          </ul>
        )}
        {entry.party && <PublishedParty party={entry.party} />}
        <div className="grid gap-4">
          {entry.party && <h2 className="text-xl">{t('gallery.members')}</h2>}
          {entry.agents.map((agent) => (
            <PublishedAgent key={agent.name} agent={agent} level={entry.party ? 3 : 2} />
          ))}
        </div>
        <p>
          <Link href="/gallery" className="inline-flex min-h-10 items-center gap-2 text-accent hover:underline">
            <ArrowLeft aria-hidden="true" className="flip-rtl size-4" />
            {t('gallery.back')}
          </Link>
        </p>
      </div>
    </Page>
  )
}

function Actions({ entry }: { entry: WholeGalleryEntryView }) {
  const t = useWords<typeof words>()
  const { data: me } = useMe()
  const [open, setOpen] = useState<'import' | 'publish' | 'remove'>()
  const dialog = (name: 'import' | 'publish' | 'remove') => ({
    open: open === name,
    onOpenChange: (isOpen: boolean) => setOpen(isOpen ? name : undefined),
  })
  const subject = { kind: entry.kind, id: entry.sourceId ?? '', name: entry.name }
  return (
    <>
      {me?.role === 'admin' && !entry.removed && (
        <Button
          kind="danger"
          icon={<ShieldX aria-hidden="true" className="size-4" />}
          onClick={() => setOpen('remove')}
        >
          {t('gallery.remove')}
        </Button>
      )}
      {entry.mine && <Unpublish entry={entry} />}
      {entry.mine && (
        <Button icon={<RefreshCw aria-hidden="true" className="size-4" />} onClick={() => setOpen('publish')}>
          {t('gallery.republish')}
        </Button>
      )}
      {!entry.removed && !entry.mine && (
        <Button
          kind="primary"
          icon={<Download aria-hidden="true" className="size-4" />}
          onClick={() => setOpen('import')}
        >
          {t('gallery.import')}
        </Button>
      )}
      <ImportDialog entry={entry} {...dialog('import')} />
      <PublishDialog subject={subject} entry={entry} {...dialog('publish')} />
      <RemoveDialog entry={entry} {...dialog('remove')} />
    </>
  )
}

function Unpublish({ entry }: { entry: WholeGalleryEntryView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const [, go] = useLocation()
  const onError = useErrorToast()
  const unpublishing = useMutation({
    mutationFn: () => client.gallery.unpublish(entry.id),
    onError,
    onSuccess: async () => {
      toast(t('gallery.unpublish.done', { name: entry.name }))
      go('/gallery?mine=true')
      queries.removeQueries({ queryKey: [...GALLERY, 'entry', entry.id] })
      await queries.invalidateQueries({ queryKey: GALLERY })
    },
  })
  const ask = async () => {
    const title = t('gallery.unpublish.title', { name: entry.name })
    const question = { title, text: t('gallery.unpublish.text'), action: t('gallery.unpublish'), danger: true }
    if (await confirm(question)) unpublishing.mutate()
  }
  return (
    <Button
      icon={<Trash2 aria-hidden="true" className="size-4" />}
      busy={unpublishing.isPending}
      onClick={() => void ask()}
    >
      {t('gallery.unpublish')}
    </Button>
  )
}
