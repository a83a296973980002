import { Search, X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useShortcuts } from '../../app/shortcuts.ts'
import { INPUT, SelectField } from '../../parts/field.tsx'
import { useWords } from '../../words/use-words.ts'
import type { Asked } from './use-asked.ts'
import type words from './words/en.ts'

/** Words are looked for when nobody has typed for so long, in ms. */
const TYPED_MS = 250

/** Words, kind, order and tag by which the gallery is looked through. */
export function GalleryFilters({ asked, onChange }: { asked: Asked; onChange: (change: Partial<Asked>) => void }) {
  const t = useWords<typeof words>()
  return (
    <div className="mb-6 grid gap-3">
      <search className="grid grid-cols-2 items-end gap-3 sm:grid-cols-[1fr_auto_auto]">
        <SearchField key={asked.q === undefined ? '' : 'asked'} q={asked.q} onChange={(q) => onChange({ q })} />
        <SelectField
          label={t('gallery.filter.kind')}
          value={asked.kind ?? ''}
          options={[
            ['', t('gallery.filter.any')],
            ['agent', t('gallery.kind.agents')],
            ['party', t('gallery.kind.parties')],
          ]}
          onChange={({ target: { value } }) =>
            onChange({ kind: value === 'agent' || value === 'party' ? value : undefined })
          }
        />
        <SelectField
          label={t('gallery.filter.sort')}
          value={asked.sort ?? 'newest'}
          options={[
            ['newest', t('gallery.sort.newest')],
            ['imports', t('gallery.sort.imports')],
          ]}
          onChange={({ target: { value } }) => onChange({ sort: value === 'imports' ? value : undefined })}
        />
      </search>
      {asked.tag !== undefined && (
        <p className="flex items-center gap-2">
          <span className="rounded-full bg-accent-soft px-3 py-1 text-accent-strong text-sm">
            {t('gallery.filter.tag', { tag: asked.tag })}
          </span>
          <button
            type="button"
            onClick={() => onChange({ tag: undefined })}
            className="inline-flex min-h-8 items-center gap-1 rounded-lg px-2 text-ink-soft text-sm hover:bg-sunken hover:text-ink"
          >
            <X aria-hidden="true" className="size-4" />
            {t('gallery.filter.tag.clear')}
          </button>
        </p>
      )}
    </div>
  )
}

function SearchField({ q, onChange }: { q: string | undefined; onChange: (q: string | undefined) => void }) {
  const t = useWords<typeof words>()
  const [typed, setTyped] = useState(q ?? '')
  const input = useRef<HTMLInputElement>(null)
  useShortcuts([{ keys: '/', label: t('gallery.search'), run: () => input.current?.focus() }])
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked when something else was typed, and not when the page is drawn again.
  useEffect(() => {
    const wanted = typed.trim() === '' ? undefined : typed.trim()
    if (wanted === q) return
    const timer = setTimeout(() => onChange(wanted), TYPED_MS)
    return () => clearTimeout(timer)
  }, [typed])
  return (
    <label className="relative col-span-2 block sm:col-span-1">
      <span className="mb-1 block font-medium text-sm">{t('gallery.search')}</span>
      <Search aria-hidden="true" className="absolute start-3 bottom-2.5 size-5 text-ink-soft" />
      <input
        ref={input}
        type="search"
        value={typed}
        maxLength={200}
        onChange={({ target }) => setTyped(target.value)}
        className={`${INPUT} h-10 py-0 ps-10`}
      />
    </label>
  )
}
