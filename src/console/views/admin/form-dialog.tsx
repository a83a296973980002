import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useId } from 'react'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { toast } from '../../parts/toast.tsx'
import { useWords } from '../../words/use-words.ts'

/** A dialog that asks for some fields and does one thing with them; then it closes, and the lists that changed are fetched again. */
export function FormDialog({
  title,
  description,
  action,
  danger = false,
  done,
  stale,
  send,
  onClose,
  children,
}: {
  title: string
  description?: string
  action: string
  danger?: boolean
  done: string
  /** First parts of the keys of lists that it changes. */
  stale: readonly string[]
  send: (form: FormData) => Promise<unknown>
  onClose: () => void
  /** The fields; they are told what is wrong with them, by path. */
  children: (wrong: Record<string, string>) => ReactNode
}) {
  const t = useWords()
  const queries = useQueryClient()
  const id = useId()
  const sent = useMutation({
    mutationFn: send,
    onSuccess() {
      toast(done)
      onClose()
    },
    onSettled: () => Promise.all(stale.map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  })
  const wrong = fieldErrors(sent.error)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (!sent.isPending) sent.mutate(new FormData(event.currentTarget))
  }
  return (
    <Dialog
      open
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

/** What was written into a field, without the blanks around it. */
export const written = (form: FormData, name: string): string => String(form.get(name) ?? '').trim()

/** A decimal number with a comma is one in many languages; the API takes a point. */
export const decimal = (form: FormData, name: string): string => written(form, name).replace(',', '.')
