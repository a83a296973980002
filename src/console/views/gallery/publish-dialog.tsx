import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useId } from 'react'
import { useLocation } from 'wouter'
import type { GalleryEntryView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { GALLERY } from './gallery-queries.ts'
import { PublishForm, type Said } from './publish-form.tsx'
import type words from './words/en.ts'

/** What is published: an agent or a party of one's own. */
export interface Subject {
  kind: 'agent' | 'party'
  id: string
  name: string
}

/** Publishes something, or again what is there: `entry`. */
export function PublishDialog({
  subject,
  entry,
  open,
  onOpenChange,
}: {
  subject: Subject
  entry?: GalleryEntryView | undefined
  open: boolean
  onOpenChange: (open: boolean) => void
}) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const [, go] = useLocation()
  const formId = useId()
  const publishing = useMutation({
    mutationFn: (said: Said) =>
      entry
        ? client.gallery.republish(entry.id, said)
        : client.gallery.publish({ kind: subject.kind, id: subject.id, ...said }),
    onSuccess: async (made) => {
      onOpenChange(false)
      const words = t(entry ? 'gallery.republish.done' : 'gallery.publish.done', { name: made.name })
      toast(words, { action: { label: t('gallery.import.open'), run: () => go(`/gallery/${made.id}`) } })
      await queries.invalidateQueries({ queryKey: GALLERY })
    },
  })
  /** What went wrong before is over for whoever begins again. */
  const change = (next: boolean) => {
    publishing.reset()
    onOpenChange(next)
  }
  return (
    <Dialog
      open={open}
      onOpenChange={change}
      title={t('gallery.publish.title', { name: subject.name })}
      description={entry && t('gallery.republish.lead')}
      footer={
        <>
          <Button onClick={() => change(false)}>{t('action.cancel')}</Button>
          <Button type="submit" form={formId} kind="primary" busy={publishing.isPending}>
            {t(entry ? 'gallery.republish.do' : 'gallery.publish.do')}
          </Button>
        </>
      }
    >
      <PublishForm
        id={formId}
        said={entry}
        error={publishing.error}
        onSubmit={(said) => !publishing.isPending && publishing.mutate(said)}
      />
    </Dialog>
  )
}
