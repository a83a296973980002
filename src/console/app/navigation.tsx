import {
  Bot,
  CalendarClock,
  ChevronDown,
  Coins,
  FolderOpen,
  Hand,
  History,
  Images,
  KeyRound,
  type LucideIcon,
  Plug,
  ShieldCheck,
  UsersRound,
  Webhook,
  Wrench,
} from 'lucide-react'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { classes } from '../parts/class-names.ts'
import { useMe } from '../session/use-me.ts'
import { type Say, useWords } from '../words/use-words.ts'
import { useShortcuts } from './shortcuts.ts'
import { WaitingBadge } from './waiting-badge.tsx'

interface Way {
  href: string
  word: Parameters<Say>[0]
  icon: LucideIcon
  keys?: string
  /** Who has it; everybody, where nothing is said. */
  who?: 'admin' | 'no guest'
  /** Says how much waits there for a decision. */
  hasBadge?: boolean
}

/** What is used daily; the rest is behind `More`, and leaves its place to the conversations. */
const DAILY: readonly Way[] = [
  { href: '/agents', word: 'nav.agents', icon: Bot, keys: 'g a' },
  { href: '/parties', word: 'nav.parties', icon: UsersRound, keys: 'g p' },
  { href: '/files', word: 'nav.files', icon: FolderOpen, keys: 'g f' },
  { href: '/gallery', word: 'nav.gallery', icon: Images, keys: 'g g' },
  { href: '/approvals', word: 'nav.approvals', icon: Hand, keys: 'g d', hasBadge: true },
]
const MORE: readonly Way[] = [
  { href: '/history', word: 'nav.history', icon: History, keys: 'g h' },
  { href: '/credits', word: 'nav.credits', icon: Coins, keys: 'g c' },
  { href: '/connections', word: 'nav.connections', icon: Plug, keys: 'g o', who: 'no guest' },
  { href: '/servers', word: 'nav.servers', icon: Wrench, who: 'no guest' },
  { href: '/schedules', word: 'nav.schedules', icon: CalendarClock, who: 'no guest' },
  { href: '/webhooks', word: 'nav.webhooks', icon: Webhook, who: 'no guest' },
  { href: '/keys', word: 'nav.keys', icon: KeyRound, keys: 'g k', who: 'no guest' },
  { href: '/admin', word: 'nav.admin', icon: ShieldCheck, keys: 'g m', who: 'admin' },
]

const isHere = (path: string, href: string) => path === href || path.startsWith(`${href}/`)

/** The links to all views. */
export function Navigation() {
  const t = useWords()
  const [path, go] = useLocation()
  const { data: me } = useMe()
  const mine = ({ who }: Way) => who === undefined || (who === 'admin' ? me?.role === 'admin' : me?.guest === false)
  const more = MORE.filter(mine)
  const [isOpened, setIsOpened] = useState(false)
  // Where one is has to be seen.
  const isOpen = isOpened || more.some(({ href }) => isHere(path, href))
  useShortcuts(
    [...DAILY, ...more].flatMap(({ keys, word, href }) =>
      keys ? [{ keys, label: t('shortcut.go', { place: t(word) }), run: () => go(href) }] : [],
    ),
  )
  const links = (ways: readonly Way[]) =>
    ways.map(({ href, word, icon: Icon, hasBadge }) => (
      <li key={href}>
        <Link
          href={href}
          aria-current={isHere(path, href) ? 'page' : undefined}
          className={classes(
            ROW,
            isHere(path, href)
              ? 'bg-accent-soft font-medium text-accent-strong'
              : 'text-ink-soft hover:bg-sunken hover:text-ink',
          )}
        >
          <Icon aria-hidden="true" className="size-4.5 shrink-0" />
          {t(word)}
          {hasBadge && <WaitingBadge />}
        </Link>
      </li>
    ))
  return (
    <nav aria-label={t('nav.label')}>
      <ul className="grid gap-0.5">
        {links(DAILY)}
        <li>
          <button
            type="button"
            aria-expanded={isOpen}
            onClick={() => setIsOpened(!isOpen)}
            className={classes(ROW, 'w-full text-ink-soft hover:bg-sunken hover:text-ink')}
          >
            <ChevronDown aria-hidden="true" className={classes('size-4.5 shrink-0', isOpen && 'rotate-180')} />
            {t('action.more')}
          </button>
        </li>
        {isOpen && links(more)}
      </ul>
    </nav>
  )
}

const ROW = 'flex min-h-9 items-center gap-3 rounded-lg px-3 text-[0.95rem]'
