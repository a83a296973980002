import { Ellipsis, Pin, Search } from 'lucide-react'
import { useRef, useState } from 'react'
import { Virtualizer, type VirtualizerHandle } from 'virtua'
import { Link, useLocation } from 'wouter'
import type { ListedConversationView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { classes } from '../../parts/class-names.ts'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { useWords } from '../../words/use-words.ts'
import { useConversations, useListEvents } from './conversation-lists.ts'
import { ConversationMenu } from './conversation-menu.tsx'
import { titleOf } from './conversation-title.ts'
import { Excerpt } from './excerpt.tsx'
import { useAfterPause } from './use-pause.ts'
import type words from './words/en.ts'

/** Nearer to the end than this, in pixels, the next page is fetched. */
const AHEAD = 600

/** The latest conversations, in the side bar: found as one types, with what is new. */
export default function ConversationList() {
  const t = useWords<typeof words>()
  const [typed, setTyped] = useState('')
  const q = useAfterPause(typed.trim(), 250)
  const list = useConversations({ archived: false, q })
  const scroller = useRef<HTMLDivElement>(null)
  const handle = useRef<VirtualizerHandle>(null)
  useListEvents()
  const readOn = (offset: number) => {
    const { current } = handle
    if (!current || current.scrollSize - current.viewportSize - offset > AHEAD) return
    if (list.hasNextPage && !list.isFetchingNextPage) void list.fetchNextPage()
  }
  return (
    <div className="flex h-full min-h-40 flex-col gap-2">
      <label className="relative block px-0.5">
        <span className="sr-only">{t('room.search')}</span>
        <Search aria-hidden="true" className="absolute start-3 top-2.5 size-4 text-ink-soft" />
        <input
          type="search"
          dir={typed === '' ? undefined : 'auto'}
          maxLength={200}
          value={typed}
          placeholder={t('room.search')}
          onChange={({ target }) => setTyped(target.value)}
          className="block min-h-9 w-full rounded-lg border border-line bg-sunken ps-9 pe-2 text-sm"
        />
      </label>
      <span role="status" className="sr-only">
        {q !== '' && list.isSuccess && !list.isFetching ? t('room.found', { count: list.all.length }) : ''}
      </span>
      <div ref={scroller} className="min-h-0 flex-1 overflow-y-auto overflow-x-hidden">
        {list.isPending && <SkeletonList lines={5} className="h-10" />}
        <ErrorNotice error={list.error} onRetry={() => void list.refetch()} />
        {list.isSuccess && list.all.length === 0 && (
          <p className="px-3 py-2 text-ink-soft text-sm">{q === '' ? t('room.none') : t('room.noneFound')}</p>
        )}
        <Virtualizer ref={handle} scrollRef={scroller} data={list.all} onScroll={readOn}>
          {(conversation) => <ListedConversation key={conversation.id} conversation={conversation} />}
        </Virtualizer>
      </div>
    </div>
  )
}

function ListedConversation({ conversation }: { conversation: ListedConversationView }) {
  const t = useWords<typeof words>()
  const [path, go] = useLocation()
  const { id, unread = 0, pinned, activeRun, found, lastMessage } = conversation
  const isHere = path === `/c/${id}`
  const hit = found?.messages[0]
  const preview = hit ? <Excerpt pieces={hit.excerpt} /> : lastMessage && <bdi>{lastMessage.preview}</bdi>
  return (
    <div
      className={classes(
        'group/item mb-0.5 flex items-center rounded-lg',
        isHere ? 'bg-accent-soft' : 'hover:bg-sunken focus-within:bg-sunken',
      )}
    >
      <Link href={`/c/${id}`} aria-current={isHere ? 'page' : undefined} className="min-w-0 flex-1 px-3 py-1.5">
        <span className="flex items-center gap-1.5">
          {activeRun && (
            <span className="relative flex size-2 shrink-0" title={t('room.talking')}>
              <span className="absolute inline-flex size-full animate-ping rounded-full bg-spark opacity-60" />
              <span className="relative inline-flex size-2 rounded-full bg-spark" />
              <span className="sr-only">{t('room.talking')}</span>
            </span>
          )}
          <span className={classes('min-w-0 flex-1 truncate text-sm', unread > 0 && 'font-semibold')}>
            {found?.title ? <Excerpt pieces={found.title} /> : <bdi>{titleOf(conversation, t)}</bdi>}
          </span>
          {pinned && (
            <span className="shrink-0 text-ink-soft" title={t('room.pinned')}>
              <Pin aria-hidden="true" className="size-3.5" />
              <span className="sr-only">{t('room.pinned')}</span>
            </span>
          )}
          {unread > 0 && !isHere && (
            <span className="shrink-0 rounded-full bg-accent px-1.5 text-on-accent text-xs tabular-nums">
              <span aria-hidden="true">{unread > 99 ? '99+' : unread}</span>
              <span className="sr-only">{t('room.unread', { count: unread })}</span>
            </span>
          )}
        </span>
        {preview && <span className="block truncate text-start text-ink-soft text-xs">{preview}</span>}
      </Link>
      <ConversationMenu
        conversation={conversation}
        trigger={
          <button
            type="button"
            aria-label={t('room.menuOf', { title: titleOf(conversation, t) })}
            className="grid size-8 shrink-0 place-items-center rounded-md text-ink-soft hover:text-ink pointer-fine:opacity-0 pointer-fine:group-hover/item:opacity-100 focus-visible:opacity-100 data-popup-open:opacity-100"
          >
            <Ellipsis aria-hidden="true" className="size-4" />
          </button>
        }
        onDeleted={() => isHere && go('/c/new', { replace: true })}
      />
    </div>
  )
}
