import type { PublishedPartyView } from '../../../client/client.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { isolated } from './isolated.ts'
import type words from './words/en.ts'

/** How a party of an entry talks, and when it stops. */
export function PublishedParty({ party: { strategy, maxTurns, stop } }: { party: PublishedPartyView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const rules = [
    t(`gallery.strategy.${strategy}`),
    maxTurns !== null && t('gallery.parties.turns', { count: maxTurns }),
    stop.maxRounds !== undefined && t('gallery.parties.stop.rounds', { count: stop.maxRounds }),
    stop.maxCredits !== undefined && t('gallery.parties.stop.credits', { credits: formats.credits(stop.maxCredits) }),
    stop.maxSeconds !== undefined && t('gallery.parties.stop.seconds', { count: stop.maxSeconds }),
    stop.phrase !== undefined && t('gallery.parties.stop.phrase', { phrase: isolated(stop.phrase) }),
  ].filter((rule) => rule !== false)
  return (
    <ul className="flex flex-wrap gap-2">
      {rules.map((rule) => (
        <li key={rule} className="rounded-full bg-accent-soft px-3 py-1 text-accent-strong text-sm">
          {rule}
        </li>
      ))}
    </ul>
  )
}
