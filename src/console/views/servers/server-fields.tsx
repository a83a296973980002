import { SelectField, TextArea, TextField } from '../../parts/field.tsx'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { authOf, type ServerDraft } from './server-draft.ts'
import type words from './words/en.ts'

/** What is written of a server. `headerNames`: of headers that are stored, whose values are not shown to anybody. */
export function ServerFields({
  draft,
  onChange,
  wrong,
  headerNames = [],
}: {
  draft: ServerDraft
  onChange: (draft: ServerDraft) => void
  wrong: Record<string, string>
  headerNames?: readonly string[]
}) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const set = (part: Partial<ServerDraft>) => onChange({ ...draft, ...part })
  const wrongHeader = Object.entries(wrong).find(([path]) => path.startsWith('headers'))?.[1]
  const hasHeaders = headerNames.length > 0
  return (
    <>
      <TextField
        label={t('servers.name')}
        value={draft.name}
        onChange={({ currentTarget: { value } }) => set({ name: value })}
        required
        maxLength={100}
        dir="auto"
        error={wrong.name}
      />
      <TextField
        label={t('servers.url')}
        hint={t('servers.url.hint')}
        value={draft.url}
        onChange={({ currentTarget: { value } }) => set({ url: value })}
        type="url"
        dir="ltr"
        required
        maxLength={2_000}
        placeholder="https://example.com/mcp"
        error={wrong.url}
      />
      <SelectField
        label={t('servers.auth')}
        value={draft.auth}
        onChange={({ currentTarget: { value } }) => set({ auth: authOf(value) })}
        error={wrong.auth}
        options={[
          ['none', t('servers.auth.none')],
          ['headers', t('servers.auth.headers')],
          ['oauth', t('servers.auth.oauth')],
        ]}
      />
      {draft.auth === 'headers' && (
        <TextArea
          label={t('servers.headers')}
          hint={
            hasHeaders
              ? t('servers.headers.stored', { names: formats.list(headerNames), count: headerNames.length })
              : t('servers.headers.hint')
          }
          value={draft.headers}
          onChange={({ currentTarget: { value } }) => set({ headers: value })}
          dir="ltr"
          required={!hasHeaders}
          rows={3}
          autoComplete="off"
          spellCheck={false}
          placeholder="Authorization: Bearer …"
          error={wrongHeader}
        />
      )}
      <TextField
        label={t('servers.timeout')}
        hint={t('servers.timeout.hint')}
        value={draft.seconds}
        onChange={({ currentTarget: { value } }) => set({ seconds: value })}
        type="number"
        inputMode="numeric"
        min={1}
        max={600}
        step="any"
        required
        error={wrong.timeoutMs}
      />
    </>
  )
}
