import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import { type ConnectionView, PROVIDERS, type ProviderView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { CheckboxField, TextField } from '../../parts/field.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

type Props = ({ provider: ProviderView } | { connection: ConnectionView }) & { onClose: () => void }

/** A new connection to a provider, or one that is changed. A key goes in, and is never shown again. */
export function ConnectionDialog({ onClose, ...of }: Props) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const form = useId()
  const known = 'provider' in of ? of.provider : undefined
  const there = 'connection' in of ? of.connection : undefined
  const [name, setName] = useState(there?.name ?? known?.name ?? '')
  const [model, setModel] = useState(there?.model ?? known?.exampleModel ?? '')
  const [baseUrl, setBaseUrl] = useState(there?.baseUrl ?? known?.baseUrl ?? '')
  const [apiKey, setApiKey] = useState('')
  const [removeKey, setRemoveKey] = useState(false)
  const [isDefault, setDefault] = useState(there?.isDefault ?? true)
  const [isOfPlatform, setOfPlatform] = useState(false)
  const { data: me } = useMe()
  const provider = there?.provider ?? known?.provider ?? ''
  const save = useMutation({
    mutationFn() {
      const fields = { name, model, isDefault, baseUrl: baseUrl.trim() || null }
      const key = apiKey.trim()
      if (there) {
        return client.connections.update(there.id, { ...fields, ...keyChange(key, removeKey) })
      }
      const kind = PROVIDERS.find((one) => one === provider) ?? 'openai-compatible'
      const scope = isOfPlatform ? 'platform' : 'user'
      return client.connections.create({ ...fields, provider: kind, apiKey: key || null, scope })
    },
    onSuccess(saved) {
      void queries.invalidateQueries({ queryKey: ['connections'] })
      toast(t('connections.saved', { name: saved.name }))
      onClose()
    },
  })
  const wrong = fieldErrors(save.error)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending) save.mutate()
  }
  const isDemo = provider === 'demo'
  const hasUrl =
    !isDemo && (there ? provider === 'openai-compatible' || provider === 'ollama' || there.baseUrl : known?.baseUrl)
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={there ? t('connections.edit', { name: there.name }) : t('connections.addTo', { name: known?.name ?? '' })}
      footer={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button kind="primary" type="submit" form={form} busy={save.isPending}>
            {t('action.save')}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="grid gap-4" autoComplete="off">
        <ErrorNotice error={Object.keys(wrong).length > 0 ? null : save.error} />
        <TextField
          label={t('connections.name')}
          value={name}
          onChange={({ currentTarget: { value } }) => setName(value)}
          error={wrong.name}
          required
          maxLength={100}
          dir="auto"
        />
        {!isDemo && (
          <TextField
            label={t('connections.key')}
            hint={keyHint()}
            type="password"
            autoComplete="off"
            dir="ltr"
            value={apiKey}
            onChange={({ currentTarget: { value } }) => setApiKey(value)}
            error={wrong.apiKey}
            required={known?.needsApiKey === true}
            disabled={removeKey}
            maxLength={1_000}
          />
        )}
        {there?.hasApiKey && (
          <CheckboxField
            label={t('connections.key.remove')}
            checked={removeKey}
            onChange={({ currentTarget: { checked } }) => setRemoveKey(checked)}
          />
        )}
        {hasUrl && (
          <TextField
            label={t('connections.url')}
            hint={t('connections.url.hint')}
            type="text"
            inputMode="url"
            dir="ltr"
            value={baseUrl}
            onChange={({ currentTarget: { value } }) => setBaseUrl(value)}
            error={wrong.baseUrl}
            required={known?.needsBaseUrl === true}
            maxLength={2_000}
          />
        )}
        <TextField
          label={t('connections.model')}
          hint={t('connections.model.hint')}
          dir="ltr"
          value={model}
          onChange={({ currentTarget: { value } }) => setModel(value)}
          error={wrong.model}
          required
          maxLength={200}
        />
        {!there && me?.role === 'admin' && (
          <CheckboxField
            label={t('connections.ofPlatform')}
            hint={t('connections.ofPlatform.hint')}
            checked={isOfPlatform}
            onChange={({ currentTarget: { checked } }) => {
              setOfPlatform(checked)
              // Everybody's agents without a connection of their own would change their model.
              setDefault(!checked)
            }}
          />
        )}
        <CheckboxField
          label={t('connections.default')}
          hint={t('connections.default.hint')}
          checked={isDefault}
          onChange={({ currentTarget: { checked } }) => setDefault(checked)}
        />
      </form>
    </Dialog>
  )

  function keyHint(): string {
    if (there?.hasApiKey) return t('connections.key.kept', { last4: there.apiKeyLast4 ?? '****' })
    return known?.needsApiKey === false ? t('connections.key.optional') : t('connections.key.hint')
  }
}

/** What is left empty stays as it is. */
function keyChange(key: string, isRemoved: boolean): { apiKey?: string | null } {
  if (isRemoved) return { apiKey: null }
  return key === '' ? {} : { apiKey: key }
}
