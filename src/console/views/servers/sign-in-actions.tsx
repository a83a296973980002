import { LogIn, LogOut } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { McpServerView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { Button, buttonClasses } from '../../parts/button.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { OwnClientDialog } from './own-client-dialog.tsx'
import { useServerChange, useSignIn } from './use-server.ts'
import type words from './words/en.ts'

/** Sign in there, as this installation or as a client of one's own, and out again. */
export function SignInActions({ server: { id, enabled, signIn: state } }: { server: McpServerView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const onError = useErrorToast()
  const [asksForClient, setAsksForClient] = useState(false)
  const signIn = useSignIn(id)
  const signOut = useServerChange(id, () => client.mcp.signOut(id))
  const isSignedIn = state === 'connected'
  const { reset } = signIn
  // It was done in another tab.
  useEffect(() => {
    if (isSignedIn) reset()
  }, [isSignedIn, reset])
  const icon = 'flip-rtl size-4'
  if (isSignedIn) {
    return (
      <Button
        busy={signOut.isPending}
        icon={<LogOut aria-hidden="true" className={icon} />}
        onClick={() => signOut.mutate()}
      >
        {t('servers.signOut')}
      </Button>
    )
  }
  if (!enabled) return null
  // The address is the other server's: it is opened by a link of the user's own click, in a tab that knows nothing of this one.
  if (signIn.data) {
    return (
      <a href={signIn.data} target="_blank" rel="noopener noreferrer" className={buttonClasses('primary')}>
        <LogIn aria-hidden="true" className={icon} />
        {t('servers.signIn.go', { host: new URL(signIn.data).host })}
      </a>
    )
  }
  return (
    <>
      <Button
        kind="primary"
        busy={signIn.isPending}
        icon={<LogIn aria-hidden="true" className={icon} />}
        onClick={() => signIn.mutate({}, { onError })}
      >
        {t('servers.signIn')}
      </Button>
      <Button onClick={() => setAsksForClient(true)}>{t('servers.client.own')}</Button>
      {asksForClient && <OwnClientDialog serverId={id} signIn={signIn} onClose={() => setAsksForClient(false)} />}
    </>
  )
}
