import { ChevronsUpDown } from 'lucide-react'
import { type ComponentProps, lazy, Suspense, useState } from 'react'
import { Avatar } from '../parts/avatar.tsx'
import { useMe } from '../session/use-me.ts'
import { useWords } from '../words/use-words.ts'

const AccountMenuItems = lazy(() => import('./account-menu-items.tsx'))

/** Who is signed in, at the foot of the side bar; opens the menu of the account. */
export function AccountMenu() {
  const [isWanted, setIsWanted] = useState(false)
  if (!isWanted) return <Who onClick={() => setIsWanted(true)} aria-haspopup="menu" />
  return (
    <Suspense fallback={<Who aria-busy />}>
      <AccountMenuItems trigger={<Who />} />
    </Suspense>
  )
}

function Who(props: ComponentProps<'button'>) {
  const t = useWords()
  const { data: me } = useMe()
  const name = me?.guest ? t('account.guest') : (me?.name ?? '')
  return (
    <button
      {...props}
      type="button"
      className="flex w-full items-center gap-3 rounded-lg p-2 text-start hover:bg-sunken"
    >
      <span className="sr-only">{t('account.menu')}</span>
      <Avatar id={me?.id ?? ''} name={name} size="sm" />
      <span className="min-w-0 flex-1">
        <span dir="auto" className="block truncate font-medium text-sm [text-align:match-parent]">
          {name}
        </span>
        <span dir="auto" className="block truncate text-ink-soft text-xs [text-align:match-parent]">
          {me?.guest ? t('account.guest.text') : me?.email}
        </span>
      </span>
      <ChevronsUpDown aria-hidden="true" className="size-4 shrink-0 text-ink-soft" />
    </button>
  )
}
