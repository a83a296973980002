import type { McpToolView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { ToolCard } from './tool-card.tsx'
import { SERVERS } from './use-server.ts'
import type words from './words/en.ts'

/** What a server offers; what wants somebody's word stands first. */
export function ServerTools({ id }: { id: string }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const list = usePaged<McpToolView>([...SERVERS, 'tools', id], ({ cursor, signal }) =>
    client.mcp.tools(id, { cursor, limit: 100 }, { signal }),
  )
  const { items, isPending, error, refetch } = list
  if (isPending) return <SkeletonList />
  if (error && items.length === 0) return <ErrorNotice error={error} onRetry={() => void refetch()} />
  if (items.length === 0) return <EmptyState title={t('servers.noTools')} />
  const wants = ({ state }: McpToolView) => (state === 'changed' || state === 'new' ? 0 : 1)
  const sorted = [...items].sort((a, b) => wants(a) - wants(b) || a.name.localeCompare(b.name))
  return (
    <section aria-labelledby="server-tools" className="grid gap-3">
      <h2 id="server-tools" className="text-xl">
        {t('servers.tools')}
      </h2>
      <ul className="grid gap-3">
        {sorted.map((tool) => (
          <li key={tool.id}>
            <ToolCard serverId={id} tool={tool} />
          </li>
        ))}
      </ul>
      <LoadMore list={list} />
    </section>
  )
}
