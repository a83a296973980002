import { DirectionProvider } from '@base-ui/react/direction-provider'
import { i18n } from '@lingui/core'
import { I18nProvider, useLingui } from '@lingui/react'
import { QueryClientProvider } from '@tanstack/react-query'
import { type ReactNode, Suspense } from 'react'
import { Redirect, Route, Switch, useLocation } from 'wouter'
import { ButtonLink } from '../parts/button.tsx'
import { Confirmations } from '../parts/confirm.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { Page } from '../parts/page.tsx'
import { SkeletonList } from '../parts/skeleton.tsx'
import { Toasts } from '../parts/toast.tsx'
import { queries } from '../session/queries.ts'
import { useIsSignedIn } from '../session/session.ts'
import { useMe } from '../session/use-me.ts'
import { currentLanguage, directionOf } from '../words/language.ts'
import { useWords } from '../words/use-words.ts'
import { ArrivalFocus } from './arrival-focus.tsx'
import { PLACES, type Place } from './places.ts'
import { Shell } from './shell.tsx'
import { ShortcutSheet } from './shortcut-sheet.tsx'
import { ViewBoundary } from './view-boundary.tsx'

export function App() {
  return (
    <I18nProvider i18n={i18n}>
      <QueryClientProvider client={queries}>
        <Directed>
          <ArrivalFocus />
          <Switch>
            {PLACES.map((place) => (
              <Route key={place.path} path={place.path}>
                <Placed place={place} />
              </Route>
            ))}
            <Route>
              <Shell>
                <Nowhere />
              </Shell>
            </Route>
          </Switch>
          <Confirmations />
          <ShortcutSheet />
          <Toasts />
        </Directed>
      </QueryClientProvider>
    </I18nProvider>
  )
}

/** Menus and tabs turn with the language. */
function Directed({ children }: { children: ReactNode }) {
  useLingui()
  return <DirectionProvider direction={directionOf(currentLanguage())}>{children}</DirectionProvider>
}

/** A view for who may see it; others are sent to sign in, and come back. */
function Placed({ place: { access, bare, view: View } }: { place: Place }) {
  const [path] = useLocation()
  const isSignedIn = useIsSignedIn()
  if (access !== 'anybody' && !isSignedIn) {
    const back = path + location.search
    return <Redirect to={`/sign-in?next=${encodeURIComponent(back)}`} replace />
  }
  const content = (
    <ViewBoundary key={path}>
      <Suspense fallback={<Loading />}>{access === 'admin' ? <OfAdmins view={View} /> : <View />}</Suspense>
    </ViewBoundary>
  )
  return bare ? <main id="main">{content}</main> : <Shell>{content}</Shell>
}

function OfAdmins({ view: View }: { view: Place['view'] }) {
  const { data: me } = useMe()
  if (!me) return <Loading />
  return me.role === 'admin' ? <View /> : <Nowhere />
}

const Loading = () => (
  <div className="mx-auto w-full max-w-6xl px-4 py-10 sm:px-8">
    <SkeletonList />
  </div>
)

function Nowhere() {
  const t = useWords()
  return (
    <Page title={t('nowhere.title')}>
      <EmptyState title={t('nowhere.text')} action={<ButtonLink href="/">{t('nav.home')}</ButtonLink>} />
    </Page>
  )
}
