import { CircleAlert, RotateCw } from 'lucide-react'
import { Button, ButtonLink } from '../parts/button.tsx'
import { toast } from '../parts/toast.tsx'
import { useFormats } from '../words/formats.ts'
import { useWords } from '../words/use-words.ts'
import { saidOf } from './error-words.ts'

/** An error in words, with what to do next. Nothing for no error. */
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: (() => void) | undefined }) {
  const t = useWords()
  const formats = useFormats()
  if (error === null || error === undefined) return null
  const { text, next, canRetry } = saidOf(error, t, formats)
  return (
    <div role="alert" className="flex flex-wrap items-center gap-3 rounded-lg bg-danger-soft px-4 py-3 text-danger">
      <CircleAlert aria-hidden="true" className="size-5 shrink-0" />
      <p className="min-w-0 flex-1 basis-48">{text}</p>
      {next && (
        <ButtonLink small href={next.href}>
          {next.label}
        </ButtonLink>
      )}
      {canRetry && onRetry && (
        <Button small icon={<RotateCw aria-hidden="true" className="size-4" />} onClick={onRetry}>
          {t('action.retry')}
        </Button>
      )}
    </div>
  )
}

/** Says an error as a toast: for what was pressed somewhere and left. @example useMutation({ onError: useErrorToast() }) */
export function useErrorToast(): (error: unknown) => void {
  const t = useWords()
  const formats = useFormats()
  return (error) => toast(saidOf(error, t, formats).text, { kind: 'trouble' })
}
