import { CopyField } from '../../parts/copy-field.tsx'
import { TextField } from '../../parts/field.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { useWords } from '../../words/use-words.ts'
import type { useSignIn } from './use-server.ts'
import type words from './words/en.ts'

/** Where an authorization server registers nobody by itself: as which client one signs in. Its secret goes in, and is never shown again. */
export function OwnClientDialog({
  serverId,
  signIn,
  onClose,
}: {
  serverId: string
  signIn: ReturnType<typeof useSignIn>
  onClose: () => void
}) {
  const t = useWords<typeof words>()
  return (
    <FormDialog
      title={t('servers.client')}
      description={t('servers.client.text')}
      action={t('servers.signIn')}
      stale="mcp"
      send={(form) => {
        const said = (name: string) => String(form.get(name) ?? '').trim()
        const [clientSecret, scope] = [said('clientSecret'), said('scope')]
        return signIn.mutateAsync({
          clientId: said('clientId'),
          ...(clientSecret !== '' && { clientSecret }),
          ...(scope !== '' && { scope }),
        })
      }}
      onDone={onClose}
      onClose={onClose}
    >
      {(wrong) => (
        <>
          <CopyField label={t('servers.client.redirect')} value={`${location.origin}/api/mcp/callback/${serverId}`} />
          <TextField
            label={t('servers.client.id')}
            name="clientId"
            dir="ltr"
            required
            maxLength={500}
            autoComplete="off"
            error={wrong.clientId}
          />
          <TextField
            label={t('servers.client.secret')}
            hint={t('servers.client.secret.hint')}
            name="clientSecret"
            type="password"
            dir="ltr"
            maxLength={1_000}
            autoComplete="off"
            error={wrong.clientSecret}
          />
          <TextField
            label={t('servers.client.scope')}
            hint={t('servers.client.scope.hint')}
            name="scope"
            dir="ltr"
            maxLength={1_000}
            autoComplete="off"
            error={wrong.scope}
          />
        </>
      )}
    </FormDialog>
  )
}
