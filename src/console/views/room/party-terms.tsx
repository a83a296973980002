import { useId } from 'react'
import { type PartySend, type PartyView, type StrategyName, strategies } from '../../../client/client.ts'
import { classes } from '../../parts/class-names.ts'
import { TextField } from '../../parts/field.tsx'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** How a party talks and until when, as it is written into the fields; empty: as the server or the saved party has it. */
export interface Terms {
  strategy: StrategyName | null
  maxTurns: string
  maxRounds: string
  maxCredits: string
  maxSeconds: string
  phrase: string
}

export const NO_TERMS: Terms = {
  strategy: null,
  maxTurns: '',
  maxRounds: '',
  maxCredits: '',
  maxSeconds: '',
  phrase: '',
}

export const hasTerms = (terms: Terms): boolean => Object.values(terms).some((value) => value !== null && value !== '')

const countOf = (text: string): number | undefined => (/^\d{1,6}$/.test(text.trim()) ? Number(text) : undefined)

/** As a request has them: what is empty is left out. */
export function termsOf(terms: Terms): Pick<PartySend, 'strategy' | 'maxTurns' | 'stop'> {
  const { strategy, phrase, maxCredits } = terms
  const [maxTurns, maxRounds, maxSeconds] = [terms.maxTurns, terms.maxRounds, terms.maxSeconds].map(countOf)
  const stop = {
    ...(maxRounds && { maxRounds }),
    ...(maxSeconds && { maxSeconds }),
    ...(maxCredits.trim() !== '' && { maxCredits: maxCredits.trim() }),
    ...(phrase.trim() !== '' && { phrase: phrase.trim() }),
  }
  return {
    ...(strategy && { strategy }),
    ...(maxTurns && { maxTurns }),
    ...(Object.keys(stop).length > 0 && { stop }),
  }
}

interface PartyTermsProps {
  terms: Terms
  /** A saved one has its own terms, which these replace. */
  party: PartyView | null
  onChange: (terms: Terms) => void
}

export function PartyTerms({ terms, party, onChange }: PartyTermsProps) {
  const t = useWords<typeof words>()
  const name = useId()
  const strategy = terms.strategy ?? party?.strategy ?? 'round_robin'
  const set = (part: Partial<Terms>) => onChange({ ...terms, ...part })
  const numbers = [
    ['maxTurns', party?.maxTurns ?? 6],
    ['maxRounds', party?.stop.maxRounds],
    ['maxSeconds', party?.stop.maxSeconds],
  ] as const
  return (
    <>
      <fieldset>
        <legend className="mb-3 font-display font-semibold text-lg">{t('new.strategy')}</legend>
        <div className="grid gap-2 sm:grid-cols-2 lg:grid-cols-3">
          {strategies.map((one) => (
            <label
              key={one}
              className={classes(
                'cursor-pointer rounded-card border p-3 has-focus-visible:outline-2 has-focus-visible:outline-accent has-focus-visible:outline-offset-2',
                one === strategy ? 'border-accent bg-accent-soft' : 'border-line bg-card hover:border-line-strong',
              )}
            >
              <input
                type="radio"
                name={name}
                checked={one === strategy}
                onChange={() => set({ strategy: one })}
                className="sr-only"
              />
              <span className="block font-medium">{t(`room.strategy.${one}`)}</span>
              <span className="block text-ink-soft text-sm">{t(`new.strategy.${one}`)}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <details className="rounded-card border border-line bg-card p-4">
        <summary className="font-medium">{t('new.limits')}</summary>
        <div className="mt-4 grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
          {numbers.map(([field, usual]) => (
            <TextField
              key={field}
              label={t(`new.${field}`)}
              type="number"
              inputMode="numeric"
              min={1}
              placeholder={usual === undefined ? '' : String(usual)}
              value={terms[field]}
              onChange={({ target }) => set({ [field]: target.value })}
            />
          ))}
          <TextField
            label={t('new.maxCredits')}
            type="number"
            inputMode="decimal"
            min={0}
            step="any"
            placeholder={party?.stop.maxCredits ?? ''}
            value={terms.maxCredits}
            onChange={({ target }) => set({ maxCredits: target.value })}
          />
          <TextField
            label={t('new.phrase')}
            hint={t('new.phrase.hint')}
            dir="auto"
            maxLength={200}
            placeholder={party?.stop.phrase ?? ''}
            value={terms.phrase}
            onChange={({ target }) => set({ phrase: target.value })}
          />
        </div>
      </details>
    </>
  )
}
