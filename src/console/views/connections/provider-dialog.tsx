import { useQuery } from '@tanstack/react-query'
import type { ProviderView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** To whom a connection is made. */
export function ProviderDialog({
  onChoose,
  onClose,
}: {
  onChoose: (provider: ProviderView) => void
  onClose: () => void
}) {
  const t = useWords<typeof words>()
  const client = useClient()
  const { data, error, refetch } = useQuery({
    queryKey: ['providers'],
    queryFn: ({ signal }) => client.connections.providers({ signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const needs = (provider: ProviderView) => {
    if (provider.provider === 'demo') return t('connections.needs.nothing')
    return provider.needsApiKey ? t('connections.needs.key') : t('connections.needs.server')
  }
  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && onClose()}
      title={t('connections.add')}
      description={t('connections.provider.which')}
    >
      <ErrorNotice error={error} onRetry={() => void refetch()} />
      {!data && !error && <SkeletonList lines={5} />}
      <ul className="grid gap-2 sm:grid-cols-2 lg:grid-cols-3">
        {data?.data.map((provider) => (
          <li key={provider.id}>
            <button
              type="button"
              onClick={() => onChoose(provider)}
              className="h-full w-full rounded-card border border-line bg-card p-3 text-start hover:border-accent"
            >
              <bdi className="block font-medium">{provider.name}</bdi>
              <span className="block text-ink-soft text-sm">{needs(provider)}</span>
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
