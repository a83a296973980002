import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import type { ChangeOptions, McpServerChange, McpServerView, ReadOptions } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button } from '../../parts/button.tsx'
import { ConflictNotice } from '../../parts/conflict-notice.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { type Tagged, useTagged, useTaggedChange } from '../../session/use-tagged.ts'
import { useWords } from '../../words/use-words.ts'
import { changeOf, differences, draftOf } from './server-draft.ts'
import { ServerFields } from './server-fields.tsx'
import { SERVERS } from './use-server.ts'
import type words from './words/en.ts'

interface Props {
  id: string
  onClose: () => void
}

const FIELD_WORDS = {
  name: 'servers.name',
  url: 'servers.url',
  auth: 'servers.auth',
  headerNames: 'servers.headers',
  enabled: 'servers.status',
  timeoutMs: 'servers.timeout',
} as const

/** A server that is changed, as it is now. */
export function EditServerDialog({ id, onClose }: Props) {
  const t = useWords<typeof words>()
  const client = useClient()
  const { data, error, refetch } = useTagged<McpServerView>('mcp', id, (options) => client.mcp.get(id, options))
  if (data) return <Editor id={id} onClose={onClose} first={data} />
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={t('servers.edit')}>
      {error ? <ErrorNotice error={error} onRetry={() => void refetch()} /> : <SkeletonList lines={4} />}
    </Dialog>
  )
}

function Editor({ id, onClose, first }: Props & { first: Tagged<McpServerView> }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const form = useId()
  const [draft, setDraft] = useState(() => draftOf(first.view))
  const change = useTaggedChange<McpServerView, McpServerChange>({
    kind: 'mcp',
    first,
    read: (options: ReadOptions) => client.mcp.get(id, options),
    update: (input, options: ChangeOptions) => client.mcp.update(id, input, options),
    onSaved(saved) {
      queries.setQueryData([...SERVERS, 'server', id], saved)
      toast(t('servers.saved', { name: saved.name }))
      onClose()
    },
  })
  const { base, conflict } = change
  const wrong = fieldErrors(change.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!change.isPending) change.save(changeOf(draft))
  }
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t('servers.edit')}
      footer={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button kind="primary" type="submit" form={form} busy={change.isPending}>
            {t('action.save')}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="grid gap-4">
        {conflict && (
          <ConflictNotice
            fields={differences(conflict, base).map((field) => t(FIELD_WORDS[field]))}
            onKeepMine={() => change.keepMine(changeOf(draft))}
            onTakeTheirs={() => {
              setDraft(draftOf(conflict))
              change.takeTheirs()
            }}
          />
        )}
        <ErrorNotice error={Object.keys(wrong).length > 0 ? null : change.error} />
        <ServerFields draft={draft} onChange={setDraft} wrong={wrong} headerNames={base.headerNames} />
      </form>
    </Dialog>
  )
}
