import { useWords } from '../words/use-words.ts'
import { Button } from './button.tsx'

/** The end of an editor: says that there is something to save, and saves it. */
export function SaveLine({
  isChanged,
  isSaving,
  disabled = false,
}: {
  isChanged: boolean
  isSaving: boolean
  /** It cannot be saved as it is. */
  disabled?: boolean
}) {
  const t = useWords()
  return (
    <div className="flex flex-wrap items-center justify-end gap-3">
      {isChanged && <span className="text-ink-soft text-sm">{t('state.unsaved')}</span>}
      <Button type="submit" kind="primary" busy={isSaving} disabled={!isChanged || disabled}>
        {t('action.save')}
      </Button>
    </div>
  )
}
