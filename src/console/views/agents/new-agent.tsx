import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation, useSearchParams } from 'wouter'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button, ButtonLink } from '../../parts/button.tsx'
import { Page } from '../../parts/page.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { type AgentDraft, draftOf, inputOf, NEW_DRAFT } from './agent-draft.ts'
import { AgentForm } from './agent-form.tsx'
import { PromptPreview } from './prompt-preview.tsx'
import type words from './words/en.ts'

/** `/agents/new`: from nothing, or like another one. */
export function NewAgent() {
  const t = useWords<typeof words>()
  const client = useClient()
  const [params] = useSearchParams()
  const from = params.get('from')
  const { data, error, refetch } = useQuery({
    queryKey: ['agents', 'one', from],
    queryFn: ({ signal }) => client.agents.get(from ?? '', { signal }),
    enabled: from !== null,
  })
  return (
    <Page title={t('agents.new')} lead={t('agents.new.lead')}>
      <ErrorNotice error={error} onRetry={() => void refetch()} />
      {from === null ? (
        <Editor first={NEW_DRAFT} key="new" />
      ) : (
        data && <Editor first={{ ...draftOf(data), name: t('agents.copyOf', { name: data.name }) }} key={from} />
      )}
      {from !== null && !data && !error && <SkeletonList />}
    </Page>
  )
}

function Editor({ first }: { first: AgentDraft }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const [, go] = useLocation()
  const [draft, setDraft] = useState(first)
  const create = useMutation({
    mutationFn: () => client.agents.create(inputOf(draft)),
    onSuccess({ id, name }) {
      void queries.invalidateQueries({ queryKey: ['agents'] })
      toast(t('agents.created', { name }))
      go(`/agents/${id}`)
    },
  })
  const wrong = fieldErrors(create.error)
  return (
    <div className="grid grid-cols-1 items-start gap-6 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <AgentForm draft={draft} onChange={setDraft} wrong={wrong} onSubmit={() => create.mutate()}>
        <ErrorNotice error={Object.keys(wrong).length > 0 ? null : create.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <ButtonLink href="/agents">{t('action.cancel')}</ButtonLink>
          <Button type="submit" kind="primary" busy={create.isPending}>
            {t('action.create')}
          </Button>
        </div>
      </AgentForm>
      <div className="grid gap-6 lg:sticky lg:top-20">
        <PromptPreview draft={draft} />
      </div>
    </div>
  )
}
