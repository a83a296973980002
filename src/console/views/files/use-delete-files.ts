import { useQueryClient } from '@tanstack/react-query'
import type { FileView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** Files that the API deletes at once. */
const MOST = 100

/** Deletes files after it has asked; what could not be deleted is said. */
export function useDeleteFiles(onDone: () => void): (files: readonly FileView[]) => Promise<void> {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const sayError = useErrorToast()
  return async (files) => {
    const title =
      files.length === 1
        ? t('files.delete.one', { name: files[0]?.name ?? '' })
        : t('files.delete.title', { count: files.length })
    if (!(await confirm({ title, text: t('files.delete.text'), action: t('action.delete'), danger: true }))) return
    try {
      let failed = 0
      for (let from = 0; from < files.length; from += MOST) {
        const ids = files.slice(from, from + MOST).map(({ id }) => id)
        failed += (await client.files.deleteAll(ids)).failed.length
      }
      if (failed > 0) toast(t('files.delete.failed', { count: failed }), { kind: 'trouble' })
      else toast(t('files.deleted', { count: files.length }))
      onDone()
    } catch (error) {
      sayError(error)
    }
    void queries.invalidateQueries({ queryKey: ['files'] })
  }
}
