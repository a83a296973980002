import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useId } from 'react'
import { ErrorNotice } from '../errors/error-notice.tsx'
import { fieldErrors } from '../errors/error-words.ts'
import { useWords } from '../words/use-words.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'

/** A dialog that asks for some fields and does one thing with them; what is wrong with them is said beside them. */
export function FormDialog<Done>({
  title,
  description,
  action,
  danger = false,
  wide = false,
  stale,
  send,
  onDone,
  onClose,
  children,
}: {
  title: string
  description?: string
  /** What the button says that does it: a verb. */
  action: string
  danger?: boolean
  wide?: boolean
  /** First part of the keys of what it changes, which is fetched again. */
  stale: string
  send: (form: FormData) => Promise<Done>
  /** Told what came of it; closes the dialog, or shows what is next. */
  onDone: (done: Done) => void
  onClose: () => void
  /** The fields; they are told what is wrong with them, by path. */
  children: (wrong: Record<string, string>) => ReactNode
}) {
  const t = useWords()
  const queries = useQueryClient()
  const id = useId()
  const sent = useMutation({
    mutationFn: send,
    onSuccess: onDone,
    onSettled: () => queries.invalidateQueries({ queryKey: [stale] }),
  })
  const wrong = fieldErrors(sent.error)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (!sent.isPending) sent.mutate(new FormData(event.currentTarget))
  }
  return (
    <Dialog
      open
      isForm
      wide={wide}
      onOpenChange={(open) => !open && onClose()}
      title={title}
      description={description}
      footer={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button kind={danger ? 'danger' : 'primary'} type="submit" form={id} busy={sent.isPending}>
            {action}
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="grid gap-4">
        <ErrorNotice error={Object.keys(wrong).length > 0 ? null : sent.error} />
        {children(wrong)}
      </form>
    </Dialog>
  )
}
