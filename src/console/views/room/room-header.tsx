import { Ellipsis, GitBranch, History } from 'lucide-react'
import { Link, useLocation } from 'wouter'
import type { ConversationView } from '../../../client/client.ts'
import { Avatar } from '../../parts/avatar.tsx'
import { IconButton } from '../../parts/button.tsx'
import { MenuItem, MenuSeparator } from '../../parts/menu.tsx'
import { usePageTitle } from '../../parts/page.tsx'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { ConversationMenu } from './conversation-menu.tsx'
import { titleOf } from './conversation-title.ts'
import type words from './words/en.ts'

/** Of more speakers the rest is a number. */
const MOST_FACES = 5

interface RoomHeaderProps {
  conversation: ConversationView
  withSuperseded: boolean
  onSuperseded: () => void
}

export function RoomHeader({ conversation, withSuperseded, onSuperseded }: RoomHeaderProps) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const [, go] = useLocation()
  const { speakers = [], branchedFrom, strategy, agentIds } = conversation
  const title = titleOf(conversation, t)
  usePageTitle(title)
  // Without a title of its own it is called by their names.
  const names = conversation.title ? formats.list(speakers.map(({ name }) => name)) : ''
  const subtitle = [names, agentIds.length > 1 ? t(`room.strategy.${strategy}`) : '']
    .filter((part) => part !== '')
    .join(' · ')
  return (
    <header className="flex items-center gap-3 border-line border-b bg-card px-4 py-2 sm:px-8">
      <div className="hidden shrink-0 -space-x-2 sm:flex rtl:space-x-reverse">
        {speakers.slice(0, MOST_FACES).map((speaker) => (
          <Avatar key={speaker.id} {...speaker} size="sm" />
        ))}
      </div>
      <div className="min-w-0 flex-1">
        <h1 tabIndex={-1} data-page-title="" className="truncate text-lg outline-none">
          <bdi>{title}</bdi>
        </h1>
        <p className="truncate text-ink-soft text-sm">
          {subtitle}
          {branchedFrom && (
            <Link
              href={`/c/${branchedFrom.conversationId}`}
              className="ms-2 inline-flex items-center gap-1 text-accent hover:underline"
            >
              <GitBranch aria-hidden="true" className="size-3.5" />
              {t('room.branched')}
            </Link>
          )}
        </p>
      </div>
      <ConversationMenu
        conversation={conversation}
        trigger={
          <IconButton label={t('action.more')}>
            <Ellipsis aria-hidden="true" className="size-5" />
          </IconButton>
        }
        onDeleted={() => go('/c/new', { replace: true })}
      >
        <MenuItem icon={<History aria-hidden="true" className="size-4 shrink-0" />} onSelect={onSuperseded}>
          {withSuperseded ? t('room.superseded.hide') : t('room.superseded.show')}
        </MenuItem>
        <MenuSeparator />
      </ConversationMenu>
    </header>
  )
}
