import { AlertDialog } from '@base-ui/react/alert-dialog'
import { useState } from 'react'
import { useWords } from '../words/use-words.ts'
import { Button } from './button.tsx'
import type { Asked } from './confirm-question.ts'

/** The dialog of `confirm`, loaded when something is asked first. */
export default function ConfirmDialog({ title, text, action, danger, typed, answer }: Asked) {
  const t = useWords()
  const [word, setWord] = useState('')
  const isReady = typed === undefined || word.trim() === typed
  return (
    <AlertDialog.Root open onOpenChange={(open) => !open && answer(false)}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="fixed inset-0 z-40 bg-[rgb(20_18_15/45%)]" />
        <AlertDialog.Popup className="fixed inset-x-4 top-[20dvh] z-40 mx-auto max-w-md rounded-2xl border border-line bg-card p-5 shadow-card outline-none">
          <form
            onSubmit={(event) => {
              event.preventDefault()
              if (isReady) answer(true)
            }}
          >
            <AlertDialog.Title className="text-xl">{title}</AlertDialog.Title>
            {text && <AlertDialog.Description className="mt-2 text-ink-soft">{text}</AlertDialog.Description>}
            {typed !== undefined && (
              <label className="mt-4 block text-sm">
                {t('confirm.type', { word: typed })}
                <input
                  value={word}
                  onChange={(event) => setWord(event.target.value)}
                  autoComplete="off"
                  className="mt-1 block min-h-10 w-full rounded-lg border border-line-strong bg-card px-3"
                />
              </label>
            )}
            <div className="mt-5 flex flex-wrap justify-end gap-2">
              <AlertDialog.Close render={<Button />}>{t('action.cancel')}</AlertDialog.Close>
              <Button type="submit" kind={danger ? 'danger' : 'primary'} disabled={!isReady}>
                {action}
              </Button>
            </div>
          </form>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
