import { useQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { systemPrompt } from '../../../contract/speaker-prompt.ts'
import { ChoiceField } from '../../parts/choice-field.tsx'
import { Card } from '../../parts/page.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type { AgentDraft } from './agent-draft.ts'
import type words from './words/en.ts'

/** Others that a party is shown with. */
const OTHERS = 2

/** What the model is told, as it is written: made by the code that makes it when the agent speaks. */
export function PromptPreview({ id = 'new', draft }: { id?: string; draft: AgentDraft }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const [room, setRoom] = useState<'alone' | 'party'>('alone')
  const { data } = useQuery({
    queryKey: ['agents', 'some'],
    queryFn: ({ signal }) => client.agents.list({ limit: 10 }, { signal }),
    enabled: room === 'party',
  })
  const speaker = useDeferredValue({ ...draft, id, name: draft.name.trim() || '…' })
  const others = room === 'party' ? (data?.data ?? []).filter((other) => other.id !== id).slice(0, OTHERS) : []
  return (
    <Card className="grid min-w-0 gap-3">
      <h2 className="text-lg">{t('agents.preview')}</h2>
      <p className="text-ink-soft text-sm">{t('agents.preview.text')}</p>
      <ChoiceField
        label={t('agents.preview.room')}
        value={room}
        options={[
          ['alone', t('agents.preview.alone')],
          ['party', t('agents.preview.party')],
        ]}
        onChange={setRoom}
      />
      <section
        aria-label={t('agents.preview')}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled by keys.
        tabIndex={0}
        className="max-h-96 overflow-y-auto rounded-lg bg-sunken p-3"
      >
        <pre dir="auto" className="whitespace-pre-wrap break-words font-mono text-xs leading-relaxed">
          {systemPrompt(speaker, [speaker, ...others])}
        </pre>
      </section>
    </Card>
  )
}
