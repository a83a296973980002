import { useId } from 'react'
import type { WebhookView } from '../../../client/client.ts'
import { webhookEvents } from '../../../contract/webhook-events.ts'
import { CheckboxField, TextField } from '../../parts/field.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

interface Written {
  url: string
  events: (typeof webhookEvents)[number][]
  description: string
}

/** Where to tell of what; of a new webhook, and of one that is there. */
export function WebhookForm<Done>({
  webhook,
  send,
  ...dialog
}: {
  title: string
  action: string
  webhook?: WebhookView
  send: (body: Written) => Promise<Done>
  onDone: (done: Done) => void
  onClose: () => void
}) {
  const t = useWords<typeof words>()
  const read = (form: FormData): Written => ({
    url: String(form.get('url')),
    events: webhookEvents.filter((event) => form.has(event)),
    description: String(form.get('description')),
  })
  return (
    <FormDialog {...dialog} stale="webhooks" send={(form) => send(read(form))}>
      {(wrong) => (
        <>
          <TextField
            label={t('hooks.url')}
            hint={t('hooks.url.hint')}
            name="url"
            type="url"
            dir="ltr"
            placeholder="https://example.com/hooks"
            required
            maxLength={2_000}
            defaultValue={webhook?.url}
            error={wrong.url}
          />
          <Events chosen={webhook?.events ?? ['run.completed', 'run.failed']} error={wrong.events} />
          <TextField
            label={t('hooks.description')}
            name="description"
            maxLength={200}
            defaultValue={webhook?.description}
            error={wrong.description}
          />
        </>
      )}
    </FormDialog>
  )
}

function Events({ chosen, error }: { chosen: readonly string[]; error: string | undefined }) {
  const t = useWords<typeof words>()
  const id = useId()
  return (
    <fieldset aria-describedby={error && id}>
      <legend className="mb-2 font-medium text-sm">{t('hooks.events')}</legend>
      <div className="grid gap-2 sm:grid-cols-2">
        {webhookEvents.map((event) => (
          <CheckboxField
            key={event}
            name={event}
            label={t(`hooks.event.${event}`)}
            defaultChecked={chosen.includes(event)}
          />
        ))}
      </div>
      {error && (
        <p id={id} className="mt-1 text-danger text-sm">
          {error}
        </p>
      )}
    </fieldset>
  )
}
