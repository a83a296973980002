import { GitCompareArrows } from 'lucide-react'
import { useFormats } from '../words/formats.ts'
import { useWords } from '../words/use-words.ts'
import { Button } from './button.tsx'

/** What one is changing was changed elsewhere: says what of it, and asks which shall stand. */
export function ConflictNotice({
  fields,
  onKeepMine,
  onTakeTheirs,
}: {
  /** What is different, as the fields are called. */
  fields: readonly string[]
  onKeepMine: () => void
  onTakeTheirs: () => void
}) {
  const t = useWords()
  const formats = useFormats()
  return (
    <div role="alert" className="flex flex-wrap items-center gap-3 rounded-lg bg-warning-soft px-4 py-3 text-warning">
      <GitCompareArrows aria-hidden="true" className="size-5 shrink-0" />
      <p className="min-w-0 flex-1 basis-48">{t('conflict.text', { fields: formats.list(fields) })}</p>
      <Button small onClick={onTakeTheirs}>
        {t('conflict.takeTheirs')}
      </Button>
      <Button small onClick={onKeepMine}>
        {t('conflict.keepMine')}
      </Button>
    </div>
  )
}
