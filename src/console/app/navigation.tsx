import {
  Bot,
  CalendarClock,
  Coins,
  FolderOpen,
  History,
  Images,
  KeyRound,
  Plug,
  ShieldCheck,
  UsersRound,
  Webhook,
} from 'lucide-react'
import { Link, useLocation } from 'wouter'
import { classes } from '../parts/class-names.ts'
import { useMe } from '../session/use-me.ts'
import { useWords } from '../words/use-words.ts'
import { useShortcuts } from './shortcuts.ts'

/** What is used daily stands first; the second part is what one looks after. */
const PARTS = [
  [
    { href: '/agents', word: 'nav.agents', icon: Bot, keys: 'g a' },
    { href: '/parties', word: 'nav.parties', icon: UsersRound, keys: 'g p' },
    { href: '/files', word: 'nav.files', icon: FolderOpen, keys: 'g f' },
    { href: '/gallery', word: 'nav.gallery', icon: Images, keys: 'g g' },
    { href: '/history', word: 'nav.history', icon: History, keys: 'g h' },
  ],
  [
    { href: '/connections', word: 'nav.connections', icon: Plug, keys: 'g o' },
    { href: '/credits', word: 'nav.credits', icon: Coins, keys: 'g c' },
    { href: '/schedules', word: 'nav.schedules', icon: CalendarClock },
    { href: '/webhooks', word: 'nav.webhooks', icon: Webhook },
    { href: '/keys', word: 'nav.keys', icon: KeyRound, keys: 'g k' },
    { href: '/admin', word: 'nav.admin', icon: ShieldCheck, keys: 'g m', ofAdmins: true },
  ],
] as const

/** The links to all views. */
export function Navigation() {
  const t = useWords()
  const [path, go] = useLocation()
  const { data: me } = useMe()
  const parts = PARTS.map((part) => part.filter((one) => !('ofAdmins' in one) || me?.role === 'admin'))
  useShortcuts(
    parts
      .flat()
      .flatMap((one) =>
        'keys' in one
          ? [{ keys: one.keys, label: t('shortcut.go', { place: t(one.word) }), run: () => go(one.href) }]
          : [],
      ),
  )
  return (
    <nav aria-label={t('nav.label')} className="grid gap-3">
      {parts.map((part, at) => (
        <ul key={part[0]?.href ?? at} className="grid gap-0.5">
          {part.map(({ href, word, icon: Icon }) => {
            const isHere = path === href || path.startsWith(`${href}/`)
            return (
              <li key={href}>
                <Link
                  href={href}
                  aria-current={isHere ? 'page' : undefined}
                  className={classes(
                    'flex min-h-9 items-center gap-3 rounded-lg px-3 text-[0.95rem]',
                    isHere
                      ? 'bg-accent-soft font-medium text-accent-strong'
                      : 'text-ink-soft hover:bg-sunken hover:text-ink',
                  )}
                >
                  <Icon aria-hidden="true" className="size-4.5 shrink-0" />
                  {t(word)}
                </Link>
              </li>
            )
          })}
        </ul>
      ))}
    </nav>
  )
}
