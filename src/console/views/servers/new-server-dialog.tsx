import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import { useLocation } from 'wouter'
import type { McpServerInput } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { SelectField, TextArea, TextField } from '../../parts/field.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { SERVERS } from './use-server.ts'
import type words from './words/en.ts'

/** `Name: value` on each line. */
const headersOf = (text: string): { name: string; value: string }[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', ...rest] = line.split(':')
      return { name: name.trim(), value: rest.join(':').trim() }
    })

/** Another server. It is asked for its tools at once, unless it wants somebody to sign in first. */
export function NewServerDialog({ onClose }: { onClose: () => void }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const [, go] = useLocation()
  const form = useId()
  const [auth, setAuth] = useState<'none' | 'headers' | 'oauth'>('none')
  const add = useMutation({
    mutationFn: async (body: McpServerInput) => {
      const made = await client.mcp.create(body)
      // How that ends stands on its page.
      if (made.auth !== 'oauth') await client.mcp.refresh(made.id).catch(() => undefined)
      return made
    },
    onSuccess: ({ id }) => {
      void queries.invalidateQueries({ queryKey: SERVERS })
      onClose()
      go(`/servers/${id}`)
    },
  })
  const wrong = fieldErrors(add.error)
  const wrongHeader = Object.entries(wrong).find(([path]) => path.startsWith('headers'))?.[1]
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (add.isPending) return
    const said = new FormData(event.currentTarget)
    add.mutate({
      name: String(said.get('name')),
      url: String(said.get('url')).trim(),
      auth,
      headers: auth === 'headers' ? headersOf(String(said.get('headers'))) : [],
    })
  }
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t('servers.add')}
      footer={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button kind="primary" type="submit" form={form} busy={add.isPending}>
            {t('servers.add.do')}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="grid gap-4">
        <ErrorNotice error={Object.keys(wrong).length > 0 ? null : add.error} />
        <TextField label={t('servers.name')} name="name" required maxLength={100} error={wrong.name} />
        <TextField
          label={t('servers.url')}
          hint={t('servers.url.hint')}
          name="url"
          type="url"
          dir="ltr"
          required
          maxLength={2_000}
          placeholder="https://example.com/mcp"
          error={wrong.url}
        />
        <SelectField
          label={t('servers.auth')}
          value={auth}
          onChange={({ currentTarget: { value } }) =>
            setAuth(value === 'headers' || value === 'oauth' ? value : 'none')
          }
          options={[
            ['none', t('servers.auth.none')],
            ['headers', t('servers.auth.headers')],
            ['oauth', t('servers.auth.oauth')],
          ]}
        />
        {auth === 'headers' && (
          <TextArea
            label={t('servers.headers')}
            hint={t('servers.headers.hint')}
            name="headers"
            dir="ltr"
            required
            rows={3}
            autoComplete="off"
            spellCheck={false}
            placeholder="Authorization: Bearer …"
            error={wrongHeader}
          />
        )}
      </form>
    </Dialog>
  )
}
