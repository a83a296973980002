import { Check, Copy } from 'lucide-react'
import { useState } from 'react'
import { useWords } from '../words/use-words.ts'
import { Button } from './button.tsx'
import { TextField } from './field.tsx'

/** Something to take along, such as a key or a link. Where the clipboard is closed to pages it is selected instead. */
export function CopyField({ label, hint, value }: { label: string; hint?: string; value: string }) {
  const t = useWords()
  const [isCopied, setCopied] = useState(false)
  const [field, setField] = useState<HTMLInputElement | null>(null)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value)
      setCopied(true)
    } catch {
      field?.select()
    }
  }
  return (
    <div className="flex flex-wrap items-end gap-2">
      <TextField
        className="min-w-0 flex-1 basis-60 font-mono"
        label={label}
        hint={hint}
        value={value}
        readOnly
        dir="ltr"
        ref={setField}
        onFocus={({ currentTarget }) => currentTarget.select()}
      />
      <Button
        onClick={() => void copy()}
        icon={
          isCopied ? <Check aria-hidden="true" className="size-4" /> : <Copy aria-hidden="true" className="size-4" />
        }
      >
        <span aria-live="polite">{isCopied ? t('action.copied') : t('action.copy')}</span>
      </Button>
    </div>
  )
}
