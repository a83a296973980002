import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ApiKeyView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** Asks first: programs that use the key stop at once. */
export function RevokeKey({ of: { id, name } }: { of: ApiKeyView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const revoke = useMutation({
    mutationFn: () => client.keys.delete(id),
    onSuccess: () => toast(t('keys.revoked', { name })),
    onError: useErrorToast(),
    onSettled: () => queries.invalidateQueries({ queryKey: ['keys'] }),
  })
  const ask = async () => {
    const question = { title: t('keys.revoke.title', { name }), text: t('keys.revoke.text'), action: t('keys.revoke') }
    if (await confirm({ ...question, danger: true })) revoke.mutate()
  }
  return (
    <Button
      small
      kind="danger"
      busy={revoke.isPending}
      aria-label={t('keys.revoke.label', { name })}
      onClick={() => void ask()}
    >
      {t('keys.revoke')}
    </Button>
  )
}
