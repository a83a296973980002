import { UserRound } from 'lucide-react'
import { useWords } from '../words/use-words.ts'
import { ButtonLink } from './button.tsx'
import { EmptyState } from './empty-state.tsx'

/** Stands where a guest may have nothing, and says how to become more than one. */
export function NoGuests() {
  const t = useWords()
  return (
    <EmptyState
      icon={<UserRound className="size-7" />}
      title={t('error.guest.notAllowed')}
      action={
        <ButtonLink kind="primary" href="/profile">
          {t('error.guest.next')}
        </ButtonLink>
      }
    />
  )
}
