import { Bot, UsersRound } from 'lucide-react'
import type { GalleryEntryView } from '../../../client/client.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** What an entry is, and whether it was taken away. */
export function EntryKind({ entry: { kind, removed } }: { entry: Pick<GalleryEntryView, 'kind' | 'removed'> }) {
  const t = useWords<typeof words>()
  const Icon = kind === 'agent' ? Bot : UsersRound
  if (removed) {
    return (
      <span className="shrink-0 rounded-full bg-danger-soft px-2.5 py-0.5 font-medium text-danger text-xs">
        {t('gallery.removed')}
      </span>
    )
  }
  return (
    <span className="flex shrink-0 items-center gap-1.5 rounded-full bg-accent-soft px-2.5 py-0.5 font-medium text-accent-strong text-xs">
      <Icon aria-hidden="true" className="size-3.5" />
      {t(kind === 'agent' ? 'gallery.kind.agent' : 'gallery.kind.party')}
    </span>
  )
}
