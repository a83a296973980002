import { useQuery } from '@tanstack/react-query'
import { Bot, UsersRound } from 'lucide-react'
import { useState } from 'react'
import { ButtonLink } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { useOwnEntries } from './gallery-queries.ts'
import { GalleryTrouble } from './gallery-trouble.tsx'
import { PublishDialog, type Subject } from './publish-dialog.tsx'
import type words from './words/en.ts'

/** The latest of each; what is older is published where it stands. */
const LATEST = 100

/** Chooses what to publish among what is one's own and not published yet, then publishes it. */
export function PublishChoice({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const t = useWords<typeof words>()
  const [subject, setSubject] = useState<Subject>()
  const [isChosen, setIsChosen] = useState(false)
  const choose = (one: Subject) => {
    setSubject(one)
    setIsChosen(true)
    onOpenChange(false)
  }
  return (
    <>
      <Dialog open={open} onOpenChange={onOpenChange} title={t('gallery.publish.choose')}>
        <Choices onChoose={choose} />
      </Dialog>
      {subject && <PublishDialog key={subject.id} subject={subject} open={isChosen} onOpenChange={setIsChosen} />}
    </>
  )
}

function Choices({ onChoose }: { onChoose: (subject: Subject) => void }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const own = useOwnEntries()
  const subjects = useQuery({
    queryKey: ['gallery', 'subjects'],
    queryFn: async ({ signal }): Promise<Subject[]> => {
      const [parties, agents] = await Promise.all([
        client.parties.list({ limit: LATEST }, { signal }),
        client.agents.list({ limit: LATEST }, { signal }),
      ])
      return [
        ...parties.data.map(({ id, name }) => ({ kind: 'party' as const, id, name })),
        ...agents.data.flatMap(({ id, name, scope }) =>
          scope === 'user' ? [{ kind: 'agent' as const, id, name }] : [],
        ),
      ]
    },
  })
  const error = own.error ?? subjects.error
  if (error) return <GalleryTrouble error={error} onRetry={() => void subjects.refetch()} />
  if (!own.data || !subjects.data) return <SkeletonList lines={3} className="h-11" />
  const published = new Set(own.data.map(({ sourceId }) => sourceId))
  const free = subjects.data.filter(({ id }) => !published.has(id))
  if (free.length === 0) {
    return (
      <EmptyState
        title={t('gallery.publish.choose.none')}
        action={<ButtonLink href="/agents">{t('gallery.publish.choose.toAgents')}</ButtonLink>}
      />
    )
  }
  return (
    <ul className="grid gap-1.5">
      {free.map((subject) => {
        const Icon = subject.kind === 'agent' ? Bot : UsersRound
        return (
          <li key={subject.id}>
            <button
              type="button"
              onClick={() => onChoose(subject)}
              className="flex min-h-11 w-full items-center gap-3 rounded-lg border border-line px-3 py-2 text-start hover:border-accent"
            >
              <Icon aria-hidden="true" className="size-5 shrink-0 text-ink-soft" />
              <span className="min-w-0 flex-1 break-words">
                <bdi>{subject.name}</bdi>
              </span>
              <span className="shrink-0 text-ink-soft text-sm">
                {t(subject.kind === 'agent' ? 'gallery.kind.agent' : 'gallery.kind.party')}
              </span>
            </button>
          </li>
        )
      })}
    </ul>
  )
}
