import { CircleAlert } from 'lucide-react'
import { ApiError } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { type Say, useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** What the gallery's own errors mean here; undefined for those that mean the same everywhere. */
function ownWords(error: unknown, t: Say<typeof words>): string | undefined {
  if (!(error instanceof ApiError)) return undefined
  const limit = Number(error.details.limit ?? 0)
  switch (error.code) {
    case 'gallery.changed':
      return t('gallery.changed')
    case 'gallery.published':
      return t('gallery.already')
    case 'gallery.removed':
      return t('gallery.removed.unchanged')
    case 'gallery.rate_limited':
      return t('gallery.manyUses')
    case 'gallery.too_many':
      return t('gallery.tooMany', { limit })
    case 'agent.too_many':
      return t('gallery.tooManyAgents', { limit })
    case 'party.too_many':
      return t('gallery.tooManyParties', { limit })
    case 'party.agents_gone':
      return t('gallery.whenGone')
    case 'gallery.not_found':
      return t('gallery.notFound')
    case 'agent.not_found':
    case 'party.not_found':
      return t('gallery.republish.gone')
    default:
      return undefined
  }
}

/** An error of the gallery in words. Nothing for no error. */
export function GalleryTrouble({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useWords<typeof words>()
  const own = ownWords(error, t)
  if (own === undefined) return <ErrorNotice error={error} onRetry={onRetry} />
  return (
    <div role="alert" className="flex items-center gap-3 rounded-lg bg-danger-soft px-4 py-3 text-danger">
      <CircleAlert aria-hidden="true" className="size-5 shrink-0" />
      <p className="min-w-0 flex-1">{own}</p>
    </div>
  )
}
