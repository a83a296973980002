import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button, ButtonLink } from '../../parts/button.tsx'
import { Page } from '../../parts/page.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { inputOf, NEW_DRAFT } from './party-draft.ts'
import { PartyForm } from './party-form.tsx'
import type words from './words/en.ts'

/** `/parties/new`. */
export function NewParty() {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const [, go] = useLocation()
  const [draft, setDraft] = useState(NEW_DRAFT)
  const create = useMutation({
    mutationFn: () => client.parties.create(inputOf(draft)),
    onSuccess({ id, name }) {
      void queries.invalidateQueries({ queryKey: ['parties'] })
      toast(t('parties.saved', { name }))
      go(`/parties/${id}`)
    },
  })
  const wrong = fieldErrors(create.error)
  return (
    <Page title={t('parties.new')} lead={t('parties.new.lead')}>
      <PartyForm draft={draft} members={[]} onChange={setDraft} wrong={wrong} onSubmit={() => create.mutate()}>
        <ErrorNotice error={Object.keys(wrong).length > 0 ? null : create.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <ButtonLink href="/parties">{t('action.cancel')}</ButtonLink>
          <Button type="submit" kind="primary" busy={create.isPending} disabled={draft.agentIds.length < 2}>
            {t('action.create')}
          </Button>
        </div>
      </PartyForm>
    </Page>
  )
}
