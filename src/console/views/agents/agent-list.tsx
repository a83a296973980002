import { Bot, Plus } from 'lucide-react'
import { useLocation } from 'wouter'
import type { AgentView } from '../../../client/client.ts'
import { useShortcuts } from '../../app/shortcuts.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { ButtonLink } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { Page } from '../../parts/page.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
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
  const own = list.items.filter(({ scope }) => scope === 'user')
  const platform = list.items.filter(({ scope }) => scope === 'platform')
  const make = (
    <ButtonLink kind="primary" href="/agents/new" icon={<Plus aria-hidden="true" className="size-4" />}>
      {t('agents.new')}
    </ButtonLink>
  )
  return (
    <Page title={t('nav.agents')} lead={t('agents.lead')} actions={make}>
      {list.isPending ? (
        <SkeletonList lines={3} className="h-32" />
      ) : (
        <div className="grid gap-8">
          <ErrorNotice error={list.error} onRetry={() => void list.refetch()} />
          {own.length === 0 && !list.error && !list.hasNextPage && (
            <EmptyState icon={<Bot className="size-7" />} title={t('agents.none')} action={make}>
              <p>{t('agents.none.text')}</p>
            </EmptyState>
          )}
          <Cards title={t('agents.own')} agents={own} />
          <Cards title={t('agents.platform')} agents={platform} />
          <LoadMore list={list} />
        </div>
      )}
    </Page>
  )
}

function Cards({ title, agents }: { title: string; agents: readonly AgentView[] }) {
  if (agents.length === 0) return null
  return (
    <section className="grid gap-3">
      <h2 className="text-lg">{title}</h2>
      <ul className="grid grid-cols-1 gap-4 sm:grid-cols-2 xl:grid-cols-3">
        {agents.map((agent) => (
          <AgentCard key={agent.id} agent={agent} />
        ))}
      </ul>
    </section>
  )
}
