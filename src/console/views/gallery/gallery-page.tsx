import { Images, SearchX, Upload } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { GalleryEntryView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { Page } from '../../parts/page.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import { EntryCard } from './entry-card.tsx'
import { GalleryFilters } from './gallery-filters.tsx'
import { entriesOf, isTurnedOff, useEntries } from './gallery-queries.ts'
import { GalleryTrouble } from './gallery-trouble.tsx'
import { PublishChoice } from './publish-choice.tsx'
import { type Asked, useAsked } from './use-asked.ts'
import type words from './words/en.ts'

/** What everybody has published, looked through by words, kind and tag; and what one has published oneself. */
export function GalleryPage() {
  const t = useWords<typeof words>()
  const { data: me } = useMe()
  const [asked, change] = useAsked()
  const [isPublishing, setIsPublishing] = useState(false)
  const publish = (
    <Button
      kind="primary"
      icon={<Upload aria-hidden="true" className="size-4" />}
      onClick={() => setIsPublishing(true)}
    >
      {t('gallery.publish')}
    </Button>
  )
  return (
    <Page title={t('nav.gallery')} lead={t('gallery.lead')} actions={me && !me.guest && publish}>
      <Tabs
        label={t('nav.gallery')}
        value={asked.mine ? 'mine' : 'all'}
        onChange={(value) => change({ mine: value === 'mine' ? true : undefined })}
        tabs={[
          { value: 'all', title: t('gallery.all'), content: <Everything asked={asked} onChange={change} /> },
          { value: 'mine', title: t('gallery.mine'), content: <Own /> },
        ]}
      />
      <PublishChoice open={isPublishing} onOpenChange={setIsPublishing} />
    </Page>
  )
}

function Everything({ asked, onChange }: { asked: Asked; onChange: (change: Partial<Asked>) => void }) {
  const t = useWords<typeof words>()
  const { q, kind, tag, sort } = asked
  const isFiltered = q !== undefined || kind !== undefined || tag !== undefined
  return (
    <>
      <GalleryFilters asked={asked} onChange={onChange} />
      <Entries query={{ q, kind, tag, sort }}>
        {isFiltered ? (
          <EmptyState icon={<SearchX className="size-6" />} title={t('gallery.nothing')}>
            {t('gallery.nothing.text')}
          </EmptyState>
        ) : (
          <EmptyState icon={<Images className="size-6" />} title={t('gallery.empty')}>
            {t('gallery.empty.text')}
          </EmptyState>
        )}
      </Entries>
    </>
  )
}

function Own() {
  const t = useWords<typeof words>()
  return (
    <Entries query={{ mine: true }}>
      <EmptyState icon={<Upload className="size-6" />} title={t('gallery.mine.empty')}>
        {t('gallery.mine.empty.text')}
      </EmptyState>
    </Entries>
  )
}

/** The entries of a query page by page; `children` is what stands there when there is none. */
function Entries({ query, children }: { query: Parameters<typeof useEntries>[0]; children: ReactNode }) {
  const t = useWords<typeof words>()
  const found = useEntries(query)
  if (isTurnedOff(found.error)) return <EmptyState title={t('gallery.none')}>{t('gallery.none.text')}</EmptyState>
  if (found.isPending) return <Loading />
  if (found.isError && !found.data) return <GalleryTrouble error={found.error} onRetry={() => void found.refetch()} />
  const entries = entriesOf(found.data)
  return (
    <>
      <p role="status" className="sr-only">
        {found.isPlaceholderData ? t('state.loading') : t('gallery.count', { count: entries.length })}
      </p>
      {entries.length === 0 ? children : <Cards entries={entries} isStale={found.isPlaceholderData} />}
      {found.isError && <GalleryTrouble error={found.error} onRetry={() => void found.refetch()} />}
      <LoadMore list={found} className="mx-auto mt-6 flex" />
    </>
  )
}

function Cards({ entries, isStale }: { entries: GalleryEntryView[]; isStale: boolean }) {
  return (
    <ul className={`grid gap-4 transition-opacity sm:grid-cols-2 xl:grid-cols-3 ${isStale ? 'opacity-60' : ''}`}>
      {entries.map((entry) => (
        <li key={entry.id} className="min-w-0">
          <EntryCard entry={entry} />
        </li>
      ))}
    </ul>
  )
}

function Loading() {
  const t = useWords()
  return (
    <div role="status" className="grid gap-4 sm:grid-cols-2 xl:grid-cols-3">
      <span className="sr-only">{t('state.loading')}</span>
      {['one', 'two', 'three', 'four', 'five', 'six'].map((place) => (
        <Skeleton key={place} className="h-52" />
      ))}
    </div>
  )
}
