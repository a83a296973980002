import { useId, useState } from 'react'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/field.tsx'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

interface RenameDialogProps {
  title: string
  onClose: () => void
  onRename: (title: string) => Promise<unknown>
}

export function RenameDialog({ title, onClose, onRename }: RenameDialogProps) {
  const t = useWords<typeof words>()
  const form = useId()
  const [text, setText] = useState(title)
  const [isBusy, setBusy] = useState(false)
  const rename = async () => {
    setBusy(true)
    // Why it failed is said by whoever does it; the dialog stays for another try.
    const isDone = await onRename(text.trim()).then(
      () => true,
      () => false,
    )
    setBusy(false)
    if (isDone) onClose()
  }
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={t('action.rename')}
      footer={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button kind="primary" type="submit" form={form} busy={isBusy} disabled={text.trim() === ''}>
            {t('action.save')}
          </Button>
        </>
      }
    >
      <form
        id={form}
        onSubmit={(event) => {
          event.preventDefault()
          if (text.trim() !== '' && !isBusy) void rename()
        }}
      >
        <TextField
          label={t('room.title')}
          dir="auto"
          maxLength={200}
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
      </form>
    </Dialog>
  )
}
