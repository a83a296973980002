import { Copy, Trash2 } from 'lucide-react'
import { useRef, useState } from 'react'
import { useLocation } from 'wouter'
import type { AgentInput, AgentView, ChangeOptions, ReadOptions } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button, ButtonLink } from '../../parts/button.tsx'
import { ConflictNotice } from '../../parts/conflict-notice.tsx'
import { Page } from '../../parts/page.tsx'
import { SaveLine } from '../../parts/save-line.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useMe } from '../../session/use-me.ts'
import { type Tagged, useTagged, useTaggedChange } from '../../session/use-tagged.ts'
import { useWords } from '../../words/use-words.ts'
import { PublishButton } from '../gallery/publish-button.tsx'
import { differences, draftOf, inputOf } from './agent-draft.ts'
import { AgentForm } from './agent-form.tsx'
import { PromptPreview } from './prompt-preview.tsx'
import { TestTalk } from './test-talk.tsx'
import { useDeleteAgent } from './use-delete-agent.ts'
import type words from './words/en.ts'

/** `/agents/:id`: the editor of one agent. */
export function EditAgent({ id }: { id: string }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const { data, error, refetch } = useTagged<AgentView>('agents', id, (options) => client.agents.get(id, options))
  if (data) return <Editor first={data} />
  return (
    <Page title={t('nav.agents')}>
      {error ? <ErrorNotice error={error} onRetry={() => void refetch()} /> : <SkeletonList lines={5} />}
    </Page>
  )
}

function Editor({ first }: { first: Tagged<AgentView> }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const { data: me } = useMe()
  const [, go] = useLocation()
  const remove = useDeleteAgent()
  const { id, scope } = first.view
  const [draft, setDraft] = useState(() => draftOf(first.view))
  const sent = useRef(draft)
  const change = useTaggedChange<AgentView, AgentInput>({
    kind: 'agents',
    first,
    read: (options: ReadOptions) => client.agents.get(id, options),
    update: (input, options: ChangeOptions) => client.agents.update(id, input, options),
    onSaved(saved) {
      // What was written since stays.
      setDraft((now) => (now === sent.current ? draftOf(saved) : now))
      toast(t('agents.saved', { name: saved.name }))
    },
  })
  const agent = change.base
  const isOwn = scope === 'user' || me?.role === 'admin'
  const wrong = fieldErrors(change.error)
  const isChanged = differences(draft, draftOf(agent)).length > 0
  const { conflict } = change
  const actions = (
    <>
      {scope === 'user' && <PublishButton kind="agent" id={id} name={agent.name} />}
      <ButtonLink href={`/agents/new?from=${id}`} icon={<Copy aria-hidden="true" className="size-4" />}>
        {t('agents.copy')}
      </ButtonLink>
      {isOwn && (
        <Button
          kind="danger"
          icon={<Trash2 aria-hidden="true" className="size-4" />}
          onClick={() => void remove(agent).then((isGone) => isGone && go('/agents'))}
        >
          {t('action.delete')}
        </Button>
      )}
    </>
  )
  return (
    <Page title={agent.name} lead={isOwn ? undefined : t('agents.readOnly')} actions={actions}>
      <div className="grid grid-cols-1 items-start gap-6 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <AgentForm
          id={id}
          draft={draft}
          onChange={setDraft}
          wrong={wrong}
          disabled={!isOwn}
          onSubmit={() => {
            sent.current = draft
            change.save(inputOf(draft))
          }}
        >
          {conflict && (
            <ConflictNotice
              fields={differences(draftOf(conflict), draftOf(agent)).map((field) => t(`agents.field.${field}`))}
              onKeepMine={() => {
                sent.current = draft
                change.keepMine(inputOf(draft))
              }}
              onTakeTheirs={() => {
                setDraft(draftOf(conflict))
                change.takeTheirs()
              }}
            />
          )}
          <ErrorNotice error={Object.keys(wrong).length > 0 ? null : change.error} />
          {isOwn && <SaveLine isChanged={isChanged} isSaving={change.isPending} />}
        </AgentForm>
        <div className="grid gap-6 lg:sticky lg:top-20">
          <TestTalk agent={agent} isChanged={isChanged} />
          <PromptPreview id={id} draft={draft} />
        </div>
      </div>
    </Page>
  )
}
