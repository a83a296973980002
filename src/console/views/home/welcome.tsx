import { useQuery } from '@tanstack/react-query'
import { Coins, Hand, ShieldCheck } from 'lucide-react'
import { ButtonLink } from '../../parts/button.tsx'
import { usePageTitle } from '../../parts/page.tsx'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { StarterCards } from './starter-cards.tsx'
import { TableTalk } from './table-talk.tsx'
import type words from './words/en.ts'

/** What this is, for who is not signed in, and, where guests are taken, five parties to watch at once. */
export function Welcome() {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const client = useClient()
  const { data: terms } = useQuery({
    queryKey: ['guest-terms'],
    queryFn: ({ signal }) => client.auth.guestTerms({ signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })
  usePageTitle('')
  return (
    <div className="mx-auto max-w-6xl px-4 pt-8 pb-16 sm:px-8 sm:pt-14">
      <div className="flex items-center justify-between gap-10">
        <div>
          <h1 tabIndex={-1} data-page-title="" className="max-w-3xl text-4xl sm:text-6xl">
            {t('welcome.title')}
          </h1>
          <p className="mt-4 max-w-2xl text-ink-soft text-lg sm:text-xl">{t('welcome.lead')}</p>
          <div className="mt-6 flex flex-wrap gap-3">
            <ButtonLink kind={terms?.offered ? 'plain' : 'primary'} href="/sign-up">
              {t('auth.signUp')}
            </ButtonLink>
          </div>
        </div>
        <TableTalk />
      </div>
      {terms?.offered && (
        <section aria-labelledby="try" className="mt-12">
          <h2 id="try" className="text-2xl">
            {t('welcome.try')}
          </h2>
          <p className="mt-1 mb-5 max-w-2xl text-ink-soft">
            {t('welcome.try.text', { credits: formats.credits(terms.credits) })}
          </p>
          <StarterCards />
        </section>
      )}
      <ul className="mt-14 grid gap-6 border-line border-t pt-8 sm:grid-cols-3">
        {(
          [
            [Hand, 'welcome.charge'],
            [Coins, 'welcome.credits'],
            [ShieldCheck, 'welcome.own'],
          ] as const
        ).map(([Icon, word]) => (
          <li key={word} className="flex gap-3">
            <Icon aria-hidden="true" className="mt-0.5 size-5 shrink-0 text-spark" />
            <div>
              <h3 className="font-semibold text-lg">{t(word)}</h3>
              <p className="mt-1 text-ink-soft text-sm">{t(`${word}.text`)}</p>
            </div>
          </li>
        ))}
      </ul>
    </div>
  )
}
