import type { ComponentType } from 'react'
import { Link, Route, Switch, useLocation } from 'wouter'
import { classes } from '../../parts/class-names.ts'
import { Page } from '../../parts/page.tsx'
import { useWords } from '../../words/use-words.ts'
import { AuditLog } from './audit-log.tsx'
import { Invitations } from './invitations.tsx'
import { Losses } from './losses.tsx'
import { Prices } from './prices.tsx'
import { Runs } from './runs.tsx'
import { System } from './system.tsx'
import { Users } from './users.tsx'
import type words from './words/en.ts'

const PARTS = [
  { path: '/admin', word: 'admin.users', part: Users },
  { path: '/admin/invitations', word: 'admin.invitations', part: Invitations },
  { path: '/admin/runs', word: 'admin.runs', part: Runs },
  { path: '/admin/system', word: 'admin.system', part: System },
  { path: '/admin/prices', word: 'admin.prices', part: Prices },
  { path: '/admin/losses', word: 'admin.losses', part: Losses },
  { path: '/admin/log', word: 'admin.log', part: AuditLog },
] as const satisfies readonly { path: string; word: keyof typeof words; part: ComponentType }[]

/** What administrators see to; each part has its address. */
export default function AdminView() {
  const t = useWords<typeof words>()
  const [path] = useLocation()
  return (
    <Page title={t('nav.admin')}>
      <nav aria-label={t('nav.admin')} className="mb-6 flex gap-1 overflow-x-auto border-line border-b">
        {PARTS.map((one) => (
          <Link
            key={one.path}
            href={one.path}
            aria-current={path === one.path ? 'page' : undefined}
            // On a phone it may be beside the window.
            ref={(link: HTMLAnchorElement | null) => {
              if (path === one.path) link?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
            }}
            className={classes(
              '-mb-px flex min-h-10 shrink-0 items-center border-b-2 px-3',
              path === one.path
                ? 'border-accent font-medium text-ink'
                : 'border-transparent text-ink-soft hover:text-ink',
            )}
          >
            {t(one.word)}
          </Link>
        ))}
      </nav>
      <Switch>
        {PARTS.map(({ path, part: Part }) => (
          <Route key={path} path={path}>
            <Part />
          </Route>
        ))}
      </Switch>
    </Page>
  )
}
