import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link2 } from 'lucide-react'
import { useState } from 'react'
import { ErrorNotice, useErrorToast } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { SelectField } from '../../parts/field.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { ShareRow } from './share-row.tsx'
import type words from './words/en.ts'

const DAY_MS = 86_400_000
/** Days for which a link works; none: until it is revoked. */
const SPANS = { never: undefined, day: 1, week: 7, month: 30 } as const
type Span = keyof typeof SPANS
const spans = Object.keys(SPANS) as Span[]

export interface ShareDialogProps {
  conversationId: string
  /** Links lead nowhere meanwhile. */
  isArchived: boolean
  open: boolean
  onOpenChange: (open: boolean) => void
}

/** The links to a conversation: makes, copies and revokes them, and says what they show. */
export default function ShareDialog({ conversationId, isArchived, open, onOpenChange }: ShareDialogProps) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const onError = useErrorToast()
  const [span, setSpan] = useState<Span>('never')
  const queryKey = ['shares', conversationId]
  const links = useQuery({
    queryKey,
    queryFn: ({ signal }) => client.shares.of(conversationId, { limit: 100 }, { signal }),
    enabled: open,
  })
  const make = useMutation({
    mutationFn: () => {
      const days = SPANS[span]
      const expiresAt = days === undefined ? null : new Date(Date.now() + days * DAY_MS).toISOString()
      return client.shares.create(conversationId, { expiresAt })
    },
    onSuccess: () => queries.invalidateQueries({ queryKey }),
    onError,
  })
  const made = links.data?.data ?? []
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t('share.title')} description={t('share.explained')}>
      {isArchived && <p className="mb-4 rounded-lg bg-warning-soft px-4 py-2 text-warning">{t('share.archived')}</p>}
      <div className="flex flex-wrap items-end gap-3">
        <SelectField
          className="min-w-40 flex-1"
          label={t('share.ends')}
          value={span}
          options={spans.map((one) => [one, t(`share.ends.${one}`)])}
          onChange={({ target }) => setSpan(spans.find((one) => one === target.value) ?? 'never')}
        />
        <Button
          kind="primary"
          icon={<Link2 aria-hidden="true" className="size-4" />}
          busy={make.isPending}
          onClick={() => make.mutate()}
        >
          {t('share.make')}
        </Button>
      </div>
      <div className="mt-5">
        {links.isPending && <SkeletonList lines={2} />}
        <ErrorNotice error={links.error} onRetry={() => void links.refetch()} />
        {links.data && made.length === 0 && <p className="text-ink-soft">{t('share.none')}</p>}
        {made.length > 0 && (
          <ul aria-label={t('share.links')} className="grid gap-3">
            {made.map((link) => (
              <ShareRow key={link.id} link={link} onRevoked={() => void queries.invalidateQueries({ queryKey })} />
            ))}
          </ul>
        )}
      </div>
    </Dialog>
  )
}
