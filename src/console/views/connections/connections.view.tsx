import { Plug, Plus } from 'lucide-react'
import { useState } from 'react'
import type { ConnectionView, ProviderView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { OwnedCards } from '../../parts/owned-cards.tsx'
import { Page } from '../../parts/page.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import { ConnectionCard } from './connection-card.tsx'
import { ConnectionDialog } from './connection-dialog.tsx'
import { ProviderDialog } from './provider-dialog.tsx'
import type words from './words/en.ts'

/** What is being asked for: which provider, or the fields of a connection. */
type Asked = { provider: ProviderView } | { connection: ConnectionView } | 'provider' | null

/** `/connections`: accounts at model providers, one's own and the platform's. */
export default function ConnectionsView() {
  const t = useWords<typeof words>()
  const client = useClient()
  const { data: me } = useMe()
  const [asked, ask] = useState<Asked>(null)
  const list = usePaged<ConnectionView>(['connections', 'all'], ({ cursor, signal }) =>
    client.connections.list({ cursor, limit: 60 }, { signal }),
  )
  const close = () => ask(null)
  const add = me?.guest === false && (
    <Button kind="primary" icon={<Plus aria-hidden="true" className="size-4" />} onClick={() => ask('provider')}>
      {t('connections.add')}
    </Button>
  )
  return (
    <Page title={t('nav.connections')} lead={t('connections.lead')} actions={add}>
      <div className="grid gap-8">
        {me?.guest && <p className="rounded-lg bg-warning-soft px-4 py-3 text-warning">{t('connections.guest')}</p>}
        <OwnedCards
          list={list}
          titles={{ own: t('connections.own'), platform: t('connections.platform') }}
          className="grid grid-cols-1 gap-4 xl:grid-cols-2"
          card={(connection) => (
            <ConnectionCard key={connection.id} connection={connection} onEdit={() => ask({ connection })} />
          )}
          empty={
            me?.guest === false && (
              <EmptyState icon={<Plug className="size-7" />} title={t('connections.none')} action={add}>
                <p>{t('connections.none.text')}</p>
              </EmptyState>
            )
          }
        />
      </div>
      {asked === 'provider' && <ProviderDialog onChoose={(provider) => ask({ provider })} onClose={close} />}
      {asked !== null && asked !== 'provider' && <ConnectionDialog {...asked} onClose={close} />}
    </Page>
  )
}
