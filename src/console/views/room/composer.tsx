import { useMutation } from '@tanstack/react-query'
import { Paperclip, SendHorizontal } from 'lucide-react'
import { type ReactNode, useRef, useState } from 'react'
import type { EstimateView, OnBusy, PartySend, SingleSend, SpeakerView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Button, IconButton } from '../../parts/button.tsx'
import { classes } from '../../parts/class-names.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { AttachmentList } from './attachment-list.tsx'
import { MentionTextarea } from './mention-textarea.tsx'
import { useAttachments } from './use-attachments.ts'
import { useDraft } from './use-draft.ts'
import { useEstimate } from './use-estimate.ts'
import type words from './words/en.ts'

/** What is said, without whom it is said to. */
export interface Said {
  message: string
  fileIds: string[]
  /** Where somebody talks: what it does then. */
  onBusy: OnBusy | undefined
  idempotencyKey: string
}

interface ComposerProps {
  /** Under this name what was not sent is kept. */
  draft: string
  people: readonly SpeakerView[]
  placeholder: string
  /** Somebody talks: what a message does is chosen. Null where nobody does. */
  busy: { byDefault: OnBusy } | null
  /** The request as it would be sent, to be estimated; null while it cannot be. */
  requestOf: (said: Pick<Said, 'message' | 'fileIds'>) => SingleSend | PartySend | null
  send: (said: Said) => Promise<void>
  /** Why it cannot be sent now. */
  hindrance?: string | null
}

/** Where one writes: words, files, whom they are for, what they do while others talk, and about what an answer costs. */
export function Composer({ draft, people, placeholder, busy, requestOf, send, hindrance = null }: ComposerProps) {
  const t = useWords<typeof words>()
  const [text, setText] = useDraft(draft)
  const attachments = useAttachments()
  const [onBusy, setOnBusy] = useState<OnBusy>()
  const field = useRef<HTMLTextAreaElement>(null)
  const picker = useRef<HTMLInputElement>(null)
  const [isOver, setOver] = useState(false)
  // A request that may have arrived is sent again under its key, so that it is answered once.
  const sent = useRef({ body: '', key: '' })
  const message = text.trim()
  const { fileIds } = attachments
  const estimate = useEstimate(message === '' || attachments.isUploading ? null : requestOf({ message, fileIds }))
  const isReady = message !== '' && !attachments.isUploading && hindrance === null

  const sending = useMutation({
    mutationFn: () => {
      const said = { message, fileIds, onBusy: busy ? (onBusy ?? busy.byDefault) : undefined }
      const body = JSON.stringify(said)
      if (sent.current.body !== body) sent.current = { body, key: crypto.randomUUID() }
      return send({ ...said, idempotencyKey: sent.current.key })
    },
    onSuccess() {
      sent.current = { body: '', key: '' }
      setText('')
      attachments.clear()
      field.current?.focus()
    },
  })
  const submit = () => {
    if (isReady && !sending.isPending) sending.mutate()
  }
  return (
    <form
      aria-label={t('room.composer')}
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
      onDragOver={(event) => {
        if (![...event.dataTransfer.types].includes('Files')) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        if (event.dataTransfer.files.length === 0) return
        event.preventDefault()
        setOver(false)
        attachments.add(event.dataTransfer.files)
      }}
      className="mx-auto w-full max-w-4xl px-2 pb-[max(0.5rem,env(safe-area-inset-bottom))] sm:px-8 sm:pb-4"
    >
      <ErrorNotice error={sending.error} onRetry={submit} />
      <div
        className={classes(
          'mt-1 rounded-2xl border p-1.5 shadow-card transition-colors focus-within:border-accent',
          isOver ? 'border-accent bg-accent-soft' : 'border-line-strong bg-card',
        )}
      >
        <AttachmentList all={attachments.all} onRemove={attachments.remove} />
        <div className="flex items-end gap-1">
          <IconButton label={t('room.attach')} onClick={() => picker.current?.click()}>
            <Paperclip aria-hidden="true" className="size-5" />
          </IconButton>
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            onChange={({ target }) => {
              attachments.add(target.files ?? [])
              target.value = ''
              field.current?.focus()
            }}
          />
          <MentionTextarea
            field={field}
            label={t('room.message')}
            placeholder={placeholder}
            text={text}
            people={people}
            onText={setText}
            onSend={submit}
            onFiles={attachments.add}
          />
          <Button
            kind="primary"
            type="submit"
            aria-label={t('room.send')}
            title={t('room.send')}
            disabled={!isReady}
            busy={sending.isPending}
            className="size-10 px-0!"
          >
            {!sending.isPending && <SendHorizontal aria-hidden="true" className="flip-rtl size-5" />}
          </Button>
        </div>
      </div>
      <div className="flex min-h-7 flex-wrap items-center justify-between gap-x-4 px-2 pt-1 text-ink-soft text-xs">
        {busy ? <BusyChoice value={onBusy ?? busy.byDefault} onChange={setOnBusy} /> : <span>{hindrance}</span>}
        <Estimate estimate={estimate} />
      </div>
    </form>
  )
}

/** What a message does that comes while they talk. */
function BusyChoice({ value, onChange }: { value: OnBusy; onChange: (value: OnBusy) => void }) {
  const t = useWords<typeof words>()
  return (
    <fieldset className="flex flex-wrap items-center gap-1">
      <legend className="float-start me-1 py-1">{t('room.busy')}</legend>
      {(['interject', 'enqueue', 'interrupt'] as const).map((choice) => (
        <label
          key={choice}
          title={t(`room.busy.${choice}.hint`)}
          className={classes(
            'cursor-pointer rounded-full border px-2.5 py-0.5 has-focus-visible:outline-2 has-focus-visible:outline-accent pointer-coarse:py-1.5',
            value === choice ? 'border-accent bg-accent-soft text-ink' : 'border-line',
          )}
        >
          <input
            type="radio"
            name="onBusy"
            value={choice}
            checked={value === choice}
            onChange={() => onChange(choice)}
            className="sr-only"
          />
          {t(`room.busy.${choice}`)}
        </label>
      ))}
    </fieldset>
  )
}

function Estimate({ estimate }: { estimate: EstimateView | null }): ReactNode {
  const t = useWords<typeof words>()
  const formats = useFormats()
  if (!estimate) return null
  const [low, high] = [formats.credits(estimate.low), formats.credits(estimate.high)]
  return (
    <span className="ms-auto py-1">
      {low === high ? t('room.estimate', { credits: low }) : t('room.estimate.range', { low, high })}
    </span>
  )
}
