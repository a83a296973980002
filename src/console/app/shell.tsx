import { Menu as MenuIcon, Plus } from 'lucide-react'
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { ButtonLink, IconButton } from '../parts/button.tsx'
import { showWaiting } from '../parts/page-title.ts'
import { useLiveUpdates } from '../session/live.ts'
import { useIsSignedIn } from '../session/session.ts'
import { useWaiting } from '../session/use-waiting.ts'
import { loadWords } from '../words/language.ts'
import { useWords } from '../words/use-words.ts'
import { AccountMenu } from './account-menu.tsx'
import { LinkStatus } from './link-status.tsx'
import { Logo } from './logo.tsx'
import { Navigation } from './navigation.tsx'
import { useShortcuts } from './shortcuts.ts'
import { TopBar } from './top-bar.tsx'

const SideDrawer = lazy(() => import('./side-drawer.tsx'))
/** The latest conversations, of the view `room`. */
const ConversationList = lazy(async () => {
  const [module] = await Promise.all([import('../views/room/conversation-list.tsx'), loadWords('room')])
  return module
})

/** What stands around a view: the side bar (a drawer on phones), the state of the connection, the way to skip all that. */
export function Shell({ children }: { children: ReactNode }) {
  const t = useWords()
  const isSignedIn = useIsSignedIn()
  return (
    <>
      <a
        href="#main"
        className="absolute start-2 -top-20 z-50 rounded-lg bg-accent px-4 py-2 font-medium text-on-accent focus:top-2"
      >
        {t('nav.skip')}
      </a>
      {isSignedIn ? <SignedIn>{children}</SignedIn> : <Visitor>{children}</Visitor>}
    </>
  )
}

function Visitor({ children }: { children: ReactNode }) {
  return (
    <div className="flex min-h-dvh flex-col">
      <TopBar />
      <main id="main" tabIndex={-1} className="flex-1 outline-none">
        {children}
      </main>
    </div>
  )
}

function SignedIn({ children }: { children: ReactNode }) {
  const t = useWords()
  const [path, go] = useLocation()
  const [isOpen, setIsOpen] = useState<boolean>()
  const { count, shown } = useWaiting()
  useLiveUpdates()
  useEffect(() => {
    showWaiting(shown)
    return () => showWaiting('')
  }, [shown])
  useShortcuts([{ keys: 'n', label: t('nav.new'), run: () => go('/c/new') }])
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever goes somewhere is done with the drawer.
  useEffect(() => setIsOpen((open) => open && false), [path])
  return (
    <div className="flex min-h-dvh flex-col md:flex-row">
      <aside className="sticky top-0 hidden h-dvh w-72 shrink-0 border-line border-e bg-card md:block">
        <SideBar />
      </aside>
      <header className="sticky top-0 z-20 flex items-center gap-2 border-line border-b bg-card px-2 py-1.5 md:hidden">
        <IconButton
          label={count === 0 ? t('nav.open') : `${t('nav.open')} · ${t('nav.waiting', { count })}`}
          onClick={() => setIsOpen(true)}
          className="relative"
        >
          <MenuIcon aria-hidden="true" className="size-5" />
          {count > 0 && (
            <span aria-hidden="true" className="absolute end-1.5 top-1.5 size-2.5 rounded-full bg-warning" />
          )}
        </IconButton>
        <Link href="/" className="flex items-center gap-2 font-display font-semibold text-lg">
          <Logo className="size-7" /> Chatsparty
        </Link>
      </header>
      <Suspense fallback={null}>
        {isOpen !== undefined && (
          <SideDrawer open={isOpen} onOpenChange={setIsOpen} title={t('nav.label')}>
            <SideBar />
          </SideDrawer>
        )}
      </Suspense>
      <div className="flex min-w-0 flex-1 flex-col">
        <LinkStatus />
        <main id="main" tabIndex={-1} className="flex min-w-0 flex-1 flex-col outline-none">
          {children}
        </main>
      </div>
    </div>
  )
}

function SideBar() {
  const t = useWords()
  return (
    <div className="flex h-full flex-col gap-3 overflow-y-auto p-3">
      <Link href="/" className="flex items-center gap-2.5 px-2 pt-1 font-display font-semibold text-xl">
        <Logo /> Chatsparty
      </Link>
      <ButtonLink kind="primary" href="/c/new" icon={<Plus aria-hidden="true" className="size-4" />}>
        {t('nav.new')}
      </ButtonLink>
      <Navigation />
      <section aria-label={t('nav.conversations')} className="flex min-h-56 flex-1 flex-col border-line border-t pt-3">
        <Suspense fallback={null}>
          <ConversationList />
        </Suspense>
      </section>
      <div className="border-line border-t pt-2">
        <AccountMenu />
      </div>
    </div>
  )
}
