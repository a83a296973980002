import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ShieldAlert } from 'lucide-react'
import { useRef } from 'react'
import { useLocation } from 'wouter'
import { ApiError, type ImportedView, type WholeGalleryEntryView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { GALLERY } from './gallery-queries.ts'
import { GalleryTrouble } from './gallery-trouble.tsx'
import { PublishedAgent } from './published-agent.tsx'
import { PublishedParty } from './published-party.tsx'
import type words from './words/en.ts'

const pathOf = ({ agents, party }: ImportedView): string =>
  party ? `/parties/${party.id}` : `/agents/${agents[0]?.id ?? ''}`
const nameOf = ({ agents, party }: ImportedView): string => party?.name ?? agents[0]?.name ?? ''

/** What is imported, in full, and the button that does it: of exactly the revision that stands here. */
export function ImportDialog({
  entry,
  open,
  onOpenChange,
}: {
  entry: WholeGalleryEntryView
  open: boolean
  onOpenChange: (open: boolean) => void
}) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const [, go] = useLocation()
  // The same for each try: what arrived after all, though its answer did not, is not made twice.
  const key = useRef(crypto.randomUUID())
  const importing = useMutation({
    mutationFn: () =>
      client.gallery.importEntry(entry.id, { revision: entry.revision }, { idempotencyKey: key.current }),
    onSuccess: async (made) => {
      key.current = crypto.randomUUID()
      onOpenChange(false)
      toast(t('gallery.import.done', { name: nameOf(made) }), {
        action: { label: t('gallery.import.open'), run: () => go(pathOf(made)) },
      })
      await Promise.all([['agents'], ['parties'], GALLERY].map((queryKey) => queries.invalidateQueries({ queryKey })))
    },
  })
  const isChanged = importing.error instanceof ApiError && importing.error.code === 'gallery.changed'
  const readAgain = async () => {
    await queries.invalidateQueries({ queryKey: GALLERY })
    key.current = crypto.randomUUID()
    importing.reset()
  }
  /** What went wrong before is over for whoever begins again. */
  const change = (next: boolean) => {
    importing.reset()
    onOpenChange(next)
  }
  return (
    <Dialog
      wide
      open={open}
      onOpenChange={change}
      title={t('gallery.import.title', { name: entry.name })}
      description={t(entry.party ? 'gallery.import.party.lead' : 'gallery.import.agent.lead')}
      footer={
        <>
          <Button onClick={() => change(false)}>{t('action.cancel')}</Button>
          {isChanged ? (
            <Button kind="primary" onClick={() => void readAgain()}>
              {t('gallery.changed.again')}
            </Button>
          ) : (
            <Button kind="primary" busy={importing.isPending} onClick={() => importing.mutate()}>
              {t('gallery.import.do')}
            </Button>
          )}
        </>
      }
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled can be scrolled by keys. */}
      <div className="grid gap-4" tabIndex={0}>
        <p className="flex gap-2 rounded-lg bg-warning-soft px-4 py-3 text-warning">
          <ShieldAlert aria-hidden="true" className="mt-0.5 size-5 shrink-0" />
          {t('gallery.import.read')}
        </p>
        <GalleryTrouble error={importing.error} onRetry={() => importing.mutate()} />
        {entry.party && <PublishedParty party={entry.party} />}
        {entry.agents.map((agent) => (
          <PublishedAgent key={agent.name} agent={agent} />
        ))}
      </div>
    </Dialog>
  )
}
