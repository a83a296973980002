import { useQueryClient } from '@tanstack/react-query'
import { Play, Trash2 } from 'lucide-react'
import { useRef, useState } from 'react'
import { useLocation } from 'wouter'
import type { ChangeOptions, PartyView, ReadOptions, SavedPartyInput } from '../../../client/client.ts'
import { ErrorNotice, useErrorToast } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button, ButtonLink } from '../../parts/button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { ConflictNotice } from '../../parts/conflict-notice.tsx'
import { Page } from '../../parts/page.tsx'
import { SaveLine } from '../../parts/save-line.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { type Tagged, useTagged, useTaggedChange } from '../../session/use-tagged.ts'
import { useWords } from '../../words/use-words.ts'
import { PublishButton } from '../gallery/publish-button.tsx'
import { differences, draftOf, inputOf } from './party-draft.ts'
import { PartyForm } from './party-form.tsx'
import type words from './words/en.ts'

/** `/parties/:id`: the editor of one party. */
export function EditParty({ id }: { id: string }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const { data, error, refetch } = useTagged<PartyView>('parties', id, (options) => client.parties.get(id, options))
  if (data) return <Editor first={data} />
  return (
    <Page title={t('nav.parties')}>
      {error ? <ErrorNotice error={error} onRetry={() => void refetch()} /> : <SkeletonList lines={5} />}
    </Page>
  )
}

function Editor({ first }: { first: Tagged<PartyView> }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const sayError = useErrorToast()
  const [, go] = useLocation()
  const { id } = first.view
  const [draft, setDraft] = useState(() => draftOf(first.view))
  const sent = useRef(draft)
  const change = useTaggedChange<PartyView, SavedPartyInput>({
    kind: 'parties',
    first,
    read: (options: ReadOptions) => client.parties.get(id, options),
    update: (input, options: ChangeOptions) => client.parties.update(id, input, options),
    onSaved(saved) {
      // What was written since stays.
      setDraft((now) => (now === sent.current ? draftOf(saved) : now))
      toast(t('parties.saved', { name: saved.name }))
    },
  })
  const party = change.base
  const wrong = fieldErrors(change.error)
  const isChanged = differences(draft, draftOf(party)).length > 0
  const isGone = party.agents.some(({ gone }) => gone)
  const { conflict } = change
  const remove = async () => {
    const title = t('parties.delete.title', { name: party.name })
    if (!(await confirm({ title, text: t('parties.delete.text'), action: t('action.delete'), danger: true }))) return
    try {
      await client.parties.delete(id)
      void queries.invalidateQueries({ queryKey: ['parties'] })
      toast(t('parties.deleted', { name: party.name }))
      go('/parties')
    } catch (error) {
      sayError(error)
    }
  }
  const actions = (
    <>
      {!isGone && (
        <ButtonLink
          kind="primary"
          href={`/c/new?party=${id}`}
          icon={<Play aria-hidden="true" className="flip-rtl size-4" />}
        >
          {t('parties.start')}
        </ButtonLink>
      )}
      <PublishButton kind="party" id={id} name={party.name} />
      <Button kind="danger" icon={<Trash2 aria-hidden="true" className="size-4" />} onClick={() => void remove()}>
        {t('action.delete')}
      </Button>
    </>
  )
  return (
    <Page title={party.name} lead={isGone ? t('parties.gone') : undefined} actions={actions}>
      <PartyForm
        draft={draft}
        members={party.agents}
        onChange={setDraft}
        wrong={wrong}
        onSubmit={() => {
          sent.current = draft
          change.save(inputOf(draft))
        }}
      >
        {conflict && (
          <ConflictNotice
            fields={differences(draftOf(conflict), draftOf(party)).map((field) => t(`parties.field.${field}`))}
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
        <SaveLine isChanged={isChanged} isSaving={change.isPending} disabled={draft.agentIds.length < 2} />
      </PartyForm>
    </Page>
  )
}
