import { Plus, Server } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import type { McpServerView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { NewServerDialog } from './new-server-dialog.tsx'
import { ServerStatus } from './server-status.tsx'
import { SERVERS } from './use-server.ts'
import type words from './words/en.ts'

export function ServerList() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const [isAdding, setAdding] = useState(false)
  const list = usePaged<McpServerView>([...SERVERS, 'list'], ({ cursor, signal }) =>
    client.mcp.list({ cursor }, { signal }),
  )
  const columns: Column<McpServerView>[] = [
    {
      title: t('servers.name'),
      cell: ({ id, name }) => (
        <Link href={`/servers/${id}`} className="font-medium text-accent underline-offset-2 hover:underline">
          <bdi>{name}</bdi>
        </Link>
      ),
    },
    { title: t('servers.url'), cell: ({ url }) => <bdi className="[overflow-wrap:anywhere]">{url}</bdi> },
    { title: t('servers.status'), cell: (server) => <ServerStatus server={server} /> },
    {
      title: t('servers.listed'),
      cell: ({ listedAt }) => (listedAt === null ? t('servers.never') : formats.ago(listedAt)),
    },
  ]
  const add = (
    <Button kind="primary" icon={<Plus aria-hidden="true" className="size-4" />} onClick={() => setAdding(true)}>
      {t('servers.add')}
    </Button>
  )
  return (
    <Page title={t('nav.servers')} lead={t('servers.lead')} actions={add}>
      <PagedTable
        list={list}
        caption={t('nav.servers')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState icon={<Server className="size-7" />} title={t('servers.none')}>
            <p>{t('servers.none.text')}</p>
          </EmptyState>
        }
      />
      {isAdding && <NewServerDialog onClose={() => setAdding(false)} />}
    </Page>
  )
}
