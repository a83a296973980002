import type { McpToolView } from '../../../client/client.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { PagedList } from '../../parts/paged-list.tsx'
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
  const wants = ({ state }: McpToolView) => (state === 'changed' || state === 'new' ? 0 : 1)
  return (
    <PagedList
      list={list}
      lines={4}
      lineClass="h-16"
      className="gap-3"
      empty={<EmptyState title={t('servers.noTools')} />}
    >
      {(tools) => (
        <section aria-labelledby="server-tools" className="grid gap-3">
          <h2 id="server-tools" className="text-xl">
            {t('servers.tools')}
          </h2>
          <ul className="grid gap-3">
            {tools
              .toSorted((a, b) => wants(a) - wants(b) || a.name.localeCompare(b.name))
              .map((tool) => (
                <li key={tool.id}>
                  <ToolCard serverId={id} tool={tool} />
                </li>
              ))}
          </ul>
        </section>
      )}
    </PagedList>
  )
}
