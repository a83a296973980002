import type { PriceView } from '../../../client/client.ts'
import { TextField } from '../../parts/field.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'
import { decimal, written } from './written.ts'

const RATES = [
  ['inputPerMTok', 'admin.price.input'],
  ['outputPerMTok', 'admin.price.output'],
  ['cachedInputPerMTok', 'admin.price.cachedInput'],
  ['cacheWritePerMTok', 'admin.price.cacheWrite'],
  ['reasoningPerMTok', 'admin.price.reasoning'],
  ['perCall', 'admin.price.call'],
] as const
const NEEDED: readonly string[] = ['inputPerMTok', 'outputPerMTok']

/** The first price of a model, or another version of one that there is. */
export function PriceDialog({ price, onClose }: { price?: PriceView; onClose: () => void }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const send = (form: FormData) => {
    const rates = Object.fromEntries(RATES.map(([name]) => [name, decimal(form, name)]).filter(([, text]) => text))
    if (!price) {
      const { inputPerMTok = '', outputPerMTok = '', ...others } = rates
      const model = { provider: written(form, 'provider'), model: written(form, 'model') }
      return client.credits.createPrice({ ...model, inputPerMTok, outputPerMTok, ...others })
    }
    const from = written(form, 'from')
    return client.credits.changePrice(price.id, {
      ...rates,
      ...(from !== '' && { effectiveFrom: new Date(from).toISOString() }),
    })
  }
  return (
    <FormDialog
      title={price ? t('admin.price.change.label', { model: price.model }) : t('admin.price.new')}
      description={t('admin.price.hint')}
      action={t('action.save')}
      onDone={() => {
        toast(t('admin.price.saved'))
        onClose()
      }}
      stale="credits"
      onClose={onClose}
      send={send}
    >
      {(wrong) => (
        <>
          {!price && (
            <div className="grid gap-4 sm:grid-cols-2">
              <TextField label={t('admin.provider')} name="provider" required error={wrong.provider} dir="ltr" />
              <TextField label={t('admin.model')} name="model" required error={wrong.model} dir="ltr" />
            </div>
          )}
          <div className="grid gap-4 sm:grid-cols-2">
            {RATES.map(([name, word]) => (
              <TextField
                key={name}
                label={t(word)}
                name={name}
                inputMode="decimal"
                defaultValue={price?.[name]}
                required={NEEDED.includes(name)}
                error={wrong[name]}
              />
            ))}
          </div>
          {price && (
            <TextField
              label={t('admin.price.from')}
              hint={t('admin.price.from.hint')}
              name="from"
              type="datetime-local"
              error={wrong.effectiveFrom}
            />
          )}
        </>
      )}
    </FormDialog>
  )
}
