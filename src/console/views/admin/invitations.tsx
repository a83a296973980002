import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Plus, Ticket } from 'lucide-react'
import { useState } from 'react'
import type { InvitationView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { CopyField } from '../../parts/copy-field.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { InvitationDialog } from './invitation-dialog.tsx'
import type words from './words/en.ts'

/** Codes by which newcomers come. */
export function Invitations() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const [isMaking, setMaking] = useState(false)
  const [code, setCode] = useState<string>()
  const list = usePaged<InvitationView>(['invitations'], ({ cursor, signal }) =>
    client.invitations.list({ cursor }, { signal }),
  )
  const columns: Column<InvitationView>[] = [
    { title: t('admin.made'), cell: ({ createdAt }) => formats.date(createdAt) },
    { title: t('admin.forWhom'), cell: ({ email }) => (email ? <bdi>{email}</bdi> : t('admin.anybody')) },
    {
      title: t('admin.uses'),
      numeric: true,
      cell: ({ used, uses }) => t('admin.uses.some', { used: formats.number(used), uses: formats.number(uses) }),
    },
    { title: t('nav.credits'), numeric: true, cell: ({ grant }) => (grant ? formats.credits(grant) : '–') },
    { title: t('admin.until'), cell: ({ expiresAt }) => (expiresAt ? formats.date(expiresAt) : '–') },
    { title: t('action.more'), hideTitle: true, numeric: true, cell: (one) => <Revoke of={one} /> },
  ]
  return (
    <>
      <Button
        kind="primary"
        className="mb-4"
        icon={<Plus aria-hidden="true" className="size-4" />}
        onClick={() => setMaking(true)}
      >
        {t('admin.invite')}
      </Button>
      <PagedTable
        list={list}
        caption={t('admin.invitations')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={<EmptyState icon={<Ticket className="size-7" />} title={t('admin.invitations.none')} />}
      />
      {isMaking && <InvitationDialog onMade={setCode} onClose={() => setMaking(false)} />}
      <Dialog
        open={code !== undefined}
        onOpenChange={(open) => !open && setCode(undefined)}
        title={t('admin.invited')}
        description={t('admin.invited.text')}
      >
        {code !== undefined && <CopyField label={t('admin.code')} value={code} />}
      </Dialog>
    </>
  )
}

function Revoke({ of: { id, revokedAt } }: { of: InvitationView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const revoke = useMutation({
    mutationFn: () => client.invitations.delete(id),
    onError: useErrorToast(),
    onSettled: () => queries.invalidateQueries({ queryKey: ['invitations'] }),
  })
  if (revokedAt !== null) return t('admin.revoked')
  return (
    <Button small kind="danger" busy={revoke.isPending} onClick={() => revoke.mutate()}>
      {t('admin.revoke')}
    </Button>
  )
}
