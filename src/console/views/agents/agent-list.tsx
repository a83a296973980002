import { Bot, Plus } from 'lucide-react'
import { useLocation } from 'wouter'
import type { AgentView } from '../../../client/client.ts'
import { useShortcuts } from '../../app/shortcuts.ts'
import { ButtonLink } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { OwnedCards } from '../../parts/owned-cards.tsx'
import { Page } from '../../parts/page.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { AgentCard } from './agent-card.tsx'
import type words from './words/en.ts'

/** `/agents`: one's own, then the platform's. */
export function AgentList() {
  const t = useWords<typeof words>()
  const client = useClient()
  const [, go] = useLocation()
  useShortcuts([{ keys: 'n', label: t('agents.new'), run: () => go('/agents/new') }])
  const list = usePaged<AgentView>(['agents', 'all'], ({ cursor, signal }) =>
    client.agents.list({ cursor, limit: 60 }, { signal }),
  )
  const make = (
    <ButtonLink kind="primary" href="/agents/new" icon={<Plus aria-hidden="true" className="size-4" />}>
      {t('agents.new')}
    </ButtonLink>
  )
  return (
    <Page title={t('nav.agents')} lead={t('agents.lead')} actions={make}>
      <OwnedCards
        list={list}
        titles={{ own: t('agents.own'), platform: t('agents.platform') }}
        className="grid grid-cols-1 gap-4 sm:grid-cols-2 xl:grid-cols-3"
        card={(agent) => <AgentCard key={agent.id} agent={agent} />}
        empty={
          <EmptyState icon={<Bot className="size-7" />} title={t('agents.none')} action={make}>
            <p>{t('agents.none.text')}</p>
          </EmptyState>
        }
      />
    </Page>
  )
}
