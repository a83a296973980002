import type { ReactNode } from 'react'
import type { SpeakerView } from '../../client/client.ts'
import { useFormats } from '../words/formats.ts'
import { Avatar, speakerText } from './avatar.tsx'
import { classes } from './class-names.ts'

/** What somebody says: who, when, what is to be noted of it, and the words. */
export function Speech({
  speaker,
  at,
  shownAt,
  note,
  isNarrow = false,
  isFaint = false,
  children,
}: {
  speaker: SpeakerView
  at?: string | undefined
  /** The moment as it is shown; the whole of it, where nothing is said. */
  shownAt?: string | undefined
  note: string | null
  /** One of several, side by side. */
  isNarrow?: boolean
  isFaint?: boolean
  children: ReactNode
}) {
  const formats = useFormats()
  return (
    <article
      aria-label={speaker.name}
      className={classes(
        'group/speech flex min-w-0 gap-3',
        isNarrow && 'h-full rounded-card border border-line bg-card p-4',
        isFaint && 'opacity-70',
      )}
    >
      {!isNarrow && <Avatar {...speaker} />}
      <div className="min-w-0 flex-1">
        <header className="mb-1 flex min-h-7 flex-wrap items-center gap-x-2">
          {isNarrow && <Avatar {...speaker} size="sm" />}
          <bdi className={classes('font-semibold', speakerText(speaker.id))}>{speaker.name}</bdi>
          {at && (
            <time dateTime={at} title={formats.time(at)} className="text-ink-soft text-xs">
              {shownAt ?? formats.time(at)}
            </time>
          )}
          {note && <span className="rounded-full bg-warning-soft px-2 text-warning text-xs">{note}</span>}
        </header>
        {children}
      </div>
    </article>
  )
}
