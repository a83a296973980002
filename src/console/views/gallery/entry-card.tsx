import { Download } from 'lucide-react'
import { Link } from 'wouter'
import type { GalleryEntryView } from '../../../client/client.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { EntryKind } from './entry-kind.tsx'
import { Faces } from './faces.tsx'
import { isolated } from './isolated.ts'
import type words from './words/en.ts'

/** An entry as the list shows it: all of the card leads to it. */
export function EntryCard({ entry }: { entry: GalleryEntryView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  return (
    <article className="relative flex h-full flex-col gap-3 rounded-card border border-line bg-card p-5 shadow-card transition-colors hover:border-accent has-focus-visible:border-accent">
      <div className="flex items-start justify-between gap-3">
        <Faces faces={entry.faces} />
        <EntryKind entry={entry} />
      </div>
      <div className="min-w-0 flex-1">
        <h2 className="break-words text-lg">
          <Link
            href={`/gallery/${entry.id}`}
            className="outline-none after:absolute after:inset-0 after:rounded-card focus-visible:after:outline-2 focus-visible:after:outline-accent"
          >
            <bdi>{entry.name}</bdi>
          </Link>
        </h2>
        <p className="truncate text-ink-soft text-sm">{t('gallery.author', { name: isolated(entry.authorName) })}</p>
        {entry.description && (
          <p className="mt-2 line-clamp-3 break-words text-[0.95rem]">
            <bdi>{entry.description}</bdi>
          </p>
        )}
      </div>
      {entry.tags.length > 0 && (
        <ul aria-label={t('gallery.tags')} className="flex flex-wrap gap-1.5">
          {entry.tags.map((tag) => (
            <li key={tag} className="max-w-full truncate rounded-full bg-sunken px-2.5 py-0.5 text-ink-soft text-xs">
              <bdi>{tag}</bdi>
            </li>
          ))}
        </ul>
      )}
      <p className="flex items-center gap-1.5 text-ink-soft text-sm">
        <Download aria-hidden="true" className="size-4 shrink-0" />
        <span title={t('gallery.imports', { count: entry.imports })}>
          <span aria-hidden="true">{formats.number(entry.imports)}</span>
          <span className="sr-only">{t('gallery.imports', { count: entry.imports })}</span>
        </span>
        <span aria-hidden="true">·</span>
        <time dateTime={entry.createdAt} title={formats.time(entry.createdAt)}>
          {formats.ago(entry.createdAt)}
        </time>
      </p>
    </article>
  )
}
