import { Play, Plus, UsersRound } from 'lucide-react'
import { Link, useLocation } from 'wouter'
import type { PartyView } from '../../../client/client.ts'
import { useShortcuts } from '../../app/shortcuts.ts'
import { ButtonLink } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { PagedList } from '../../parts/paged-list.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { StrategyPicture } from './strategy-picture.tsx'
import type words from './words/en.ts'

/** `/parties`: those that are kept under a name. */
export function PartyList() {
  const t = useWords<typeof words>()
  const client = useClient()
  const [, go] = useLocation()
  useShortcuts([{ keys: 'n', label: t('parties.new'), run: () => go('/parties/new') }])
  const list = usePaged<PartyView>(['parties', 'all'], ({ cursor, signal }) =>
    client.parties.list({ cursor, limit: 60 }, { signal }),
  )
  const make = (
    <ButtonLink kind="primary" href="/parties/new" icon={<Plus aria-hidden="true" className="size-4" />}>
      {t('parties.new')}
    </ButtonLink>
  )
  return (
    <Page title={t('nav.parties')} lead={t('parties.lead')} actions={make}>
      <PagedList
        list={list}
        className="gap-6"
        empty={
          <EmptyState icon={<UsersRound className="size-7" />} title={t('parties.none')} action={make}>
            <p>{t('parties.none.text')}</p>
          </EmptyState>
        }
      >
        {(parties) => (
          <ul className="grid grid-cols-1 gap-4 sm:grid-cols-2 xl:grid-cols-3">
            {parties.map((party) => (
              <PartyCard key={party.id} party={party} />
            ))}
          </ul>
        )}
      </PagedList>
    </Page>
  )
}

function PartyCard({ party }: { party: PartyView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const isGone = party.agents.some(({ gone }) => gone)
  return (
    <li className="relative grid min-w-0 content-start gap-3 rounded-card border border-line bg-card p-4 shadow-card hover:border-line-strong">
      <div className="flex items-start gap-3">
        <StrategyPicture strategy={party.strategy} className="size-11 shrink-0 text-accent" />
        <div className="min-w-0 flex-1">
          <h2 className="break-words font-sans text-base">
            {/* The whole card leads there. */}
            <Link href={`/parties/${party.id}`} className="after:absolute after:inset-0 after:rounded-card">
              <bdi>{party.name}</bdi>
            </Link>
          </h2>
          <p className="text-ink-soft text-sm">{t(`parties.strategy.${party.strategy}`)}</p>
        </div>
      </div>
      <p className="break-words text-ink-soft text-sm">
        {formats.list(party.agents.map(({ name }) => name || t('parties.somebody')))}
      </p>
      {isGone ? (
        <p className="text-danger text-sm">{t('parties.gone')}</p>
      ) : (
        <ButtonLink
          small
          className="relative justify-self-start"
          href={`/c/new?party=${party.id}`}
          icon={<Play aria-hidden="true" className="flip-rtl size-4" />}
        >
          {t('parties.start')}
        </ButtonLink>
      )}
    </li>
  )
}
