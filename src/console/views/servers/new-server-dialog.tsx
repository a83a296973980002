import { useState } from 'react'
import { useLocation } from 'wouter'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { inputOf, NEW_SERVER } from './server-draft.ts'
import { ServerFields } from './server-fields.tsx'
import type words from './words/en.ts'

/** Another server. It is asked for its tools at once, unless it wants somebody to sign in first. */
export function NewServerDialog({ onClose }: { onClose: () => void }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const [, go] = useLocation()
  const [draft, setDraft] = useState(NEW_SERVER)
  return (
    <FormDialog
      title={t('servers.add')}
      action={t('servers.add.do')}
      stale="mcp"
      send={async () => {
        const made = await client.mcp.create(inputOf(draft))
        // How that ends stands on its page.
        if (made.auth !== 'oauth') await client.mcp.refresh(made.id).catch(() => undefined)
        return made
      }}
      onDone={({ id }) => {
        onClose()
        go(`/servers/${id}`)
      }}
      onClose={onClose}
    >
      {(wrong) => <ServerFields draft={draft} onChange={setDraft} wrong={wrong} />}
    </FormDialog>
  )
}
