import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useId } from 'react'
import type { GalleryEntryView } from '../../../client/client.ts'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { TextArea } from '../../parts/field.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { GALLERY } from './gallery-queries.ts'
import { GalleryTrouble } from './gallery-trouble.tsx'
import type words from './words/en.ts'

/** For administrators: takes an entry away, and says why. */
export function RemoveDialog({
  entry,
  open,
  onOpenChange,
}: {
  entry: GalleryEntryView
  open: boolean
  onOpenChange: (open: boolean) => void
}) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const formId = useId()
  const removing = useMutation({
    mutationFn: (reason: string) => client.admin.removeGalleryEntry(entry.id, reason),
    onSuccess: async () => {
      onOpenChange(false)
      toast(t('gallery.remove.done', { name: entry.name }))
      await queries.invalidateQueries({ queryKey: GALLERY })
    },
  })
  const wrong = fieldErrors(removing.error)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (!removing.isPending) removing.mutate(String(new FormData(event.currentTarget).get('reason') ?? '').trim())
  }
  /** What went wrong before is over for whoever begins again. */
  const change = (next: boolean) => {
    removing.reset()
    onOpenChange(next)
  }
  return (
    <Dialog
      open={open}
      onOpenChange={change}
      title={t('gallery.remove.title', { name: entry.name })}
      description={t('gallery.remove.lead')}
      footer={
        <>
          <Button onClick={() => change(false)}>{t('action.cancel')}</Button>
          <Button type="submit" form={formId} kind="danger" busy={removing.isPending}>
            {t('gallery.remove')}
          </Button>
        </>
      }
    >
      <form id={formId} onSubmit={submit} className="grid gap-4">
        <GalleryTrouble error={wrong.reason === undefined ? removing.error : null} />
        <TextArea label={t('gallery.remove.reason')} name="reason" maxLength={500} required error={wrong.reason} />
      </form>
    </Dialog>
  )
}
