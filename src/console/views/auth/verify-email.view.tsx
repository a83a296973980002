import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Button, ButtonLink } from '../../parts/button.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { AuthFrame } from './auth-frame.tsx'
import { useLinkToken } from './link-token.ts'
import type words from './words/en.ts'

/** A click confirms, and not the opening alone: what looks into mails opens links too. */
export default function VerifyEmailView() {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const token = useLinkToken()
  const verify = useMutation({
    mutationFn: () => client.auth.verifyEmail(token),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['me'] }),
  })
  return (
    <AuthFrame title={t('auth.verify.title')} lead={t('auth.verify.lead')}>
      {verify.isSuccess ? (
        <div role="status" className="grid gap-4">
          <p>{t('auth.verify.done', { email: verify.data.email })}</p>
          <ButtonLink href="/" kind="primary">
            {t('auth.goOn')}
          </ButtonLink>
        </div>
      ) : (
        <div className="grid gap-4">
          <ErrorNotice error={verify.error} />
          <Button kind="primary" busy={verify.isPending} onClick={() => verify.mutate()}>
            {t('auth.verify.do')}
          </Button>
        </div>
      )}
    </AuthFrame>
  )
}
