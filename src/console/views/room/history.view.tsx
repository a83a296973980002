import { Ellipsis, History, Pin, Search } from 'lucide-react'
import { useState } from 'react'
import { WindowVirtualizer } from 'virtua'
import { Link } from 'wouter'
import type { ListedConversationView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Avatar } from '../../parts/avatar.tsx'
import { ButtonLink, IconButton } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { INPUT } from '../../parts/field.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { Page } from '../../parts/page.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { useConversations } from './conversation-lists.ts'
import { ConversationMenu } from './conversation-menu.tsx'
import { titleOf } from './conversation-title.ts'
import { Excerpt } from './excerpt.tsx'
import { useAfterPause } from './use-pause.ts'
import type words from './words/en.ts'

/** `/history`: every conversation, found by what was said in it. */
export default function HistoryView() {
  const t = useWords<typeof words>()
  const [tab, setTab] = useState<'open' | 'archived'>('open')
  const [typed, setTyped] = useState('')
  const q = useAfterPause(typed.trim(), 250)
  const found = <Found archived={tab === 'archived'} q={q} key={tab} />
  return (
    <Page title={t('nav.history')} lead={t('history.lead')}>
      <label className="relative mb-4 block">
        <span className="sr-only">{t('room.search')}</span>
        <Search aria-hidden="true" className="absolute start-3 top-3 size-4.5 text-ink-soft" />
        <input
          type="search"
          dir={typed === '' ? undefined : 'auto'}
          maxLength={200}
          value={typed}
          placeholder={t('history.search')}
          onChange={({ target }) => setTyped(target.value)}
          className={`${INPUT} ps-10!`}
        />
      </label>
      <Tabs
        value={tab}
        onChange={setTab}
        label={t('nav.history')}
        tabs={[
          { value: 'open', title: t('history.open'), content: found },
          { value: 'archived', title: t('history.archived'), content: found },
        ]}
      />
    </Page>
  )
}

function Found({ archived, q }: { archived: boolean; q: string }) {
  const t = useWords<typeof words>()
  const list = useConversations({ archived, q })
  if (list.isPending) return <SkeletonList lines={6} />
  if (list.isError) return <ErrorNotice error={list.error} onRetry={() => void list.refetch()} />
  if (list.all.length === 0) {
    return q !== '' ? (
      <EmptyState icon={<Search />} title={t('room.noneFound')}>
        {t('history.noneFound')}
      </EmptyState>
    ) : archived ? (
      <EmptyState icon={<History />} title={t('history.noneArchived')}>
        {t('history.noneArchived.text')}
      </EmptyState>
    ) : (
      <EmptyState
        icon={<History />}
        title={t('room.none')}
        action={
          <ButtonLink kind="primary" href="/c/new">
            {t('nav.new')}
          </ButtonLink>
        }
      >
        {t('history.none')}
      </EmptyState>
    )
  }
  return (
    <>
      <p role="status" className={q === '' ? 'sr-only' : 'mb-3 text-ink-soft text-sm'}>
        {q === '' ? '' : t('room.found', { count: list.all.length })}
      </p>
      <WindowVirtualizer data={list.all}>
        {(conversation) => <HistoryItem key={conversation.id} conversation={conversation} />}
      </WindowVirtualizer>
      <LoadMore list={list} className="mx-auto mt-4 flex" />
    </>
  )
}

function HistoryItem({ conversation }: { conversation: ListedConversationView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const { id, speakers = [], found, lastMessage, pinned, activeAt, updatedAt, unread = 0 } = conversation
  return (
    <article className="mb-3 flex items-start gap-3 rounded-card border border-line bg-card p-4">
      <div className="hidden w-16 shrink-0 flex-wrap gap-1 sm:flex">
        {speakers.slice(0, 4).map((speaker) => (
          <Avatar key={speaker.id} {...speaker} size="sm" />
        ))}
      </div>
      <div className="min-w-0 flex-1">
        <h2 className="flex items-center gap-2 font-sans text-base">
          <Link href={`/c/${id}`} className="min-w-0 truncate hover:text-accent hover:underline">
            {found?.title ? <Excerpt pieces={found.title} /> : <bdi>{titleOf(conversation, t)}</bdi>}
          </Link>
          {pinned && <Pin aria-label={t('room.pinned')} className="size-4 shrink-0 text-ink-soft" />}
          {unread > 0 && (
            <span className="shrink-0 rounded-full bg-accent px-2 text-on-accent text-xs">
              {t('room.unread', { count: unread })}
            </span>
          )}
        </h2>
        <p className="text-ink-soft text-sm">
          <time dateTime={activeAt ?? updatedAt}>{formats.time(activeAt ?? updatedAt)}</time>
          {speakers.length > 0 && ` · ${formats.list(speakers.map(({ name }) => name))}`}
        </p>
        {found && found.messages.length > 0 ? (
          <ul className="mt-2 grid gap-1 text-sm">
            {found.messages.map((message) => (
              <li key={message.id} className="[overflow-wrap:anywhere]">
                <span className="text-ink-soft">{message.agentName ?? t('room.you')}: </span>
                <Excerpt pieces={message.excerpt} />
              </li>
            ))}
          </ul>
        ) : (
          lastMessage && (
            <p dir="auto" className="mt-1 line-clamp-2 text-start text-sm [overflow-wrap:anywhere]">
              {lastMessage.preview}
            </p>
          )
        )}
      </div>
      <ConversationMenu
        conversation={conversation}
        trigger={
          <IconButton label={t('room.menuOf', { title: titleOf(conversation, t) })}>
            <Ellipsis aria-hidden="true" className="size-5" />
          </IconButton>
        }
      />
    </article>
  )
}
