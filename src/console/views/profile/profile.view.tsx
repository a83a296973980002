import type { ReactNode } from 'react'
import type { UserView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import { EmailForm } from './email-form.tsx'
import { KeepForm } from './keep-form.tsx'
import { LookForm } from './look-form.tsx'
import { NameForm } from './name-form.tsx'
import { OwnData } from './own-data.tsx'
import { PasswordForm } from './password-form.tsx'
import { Sessions } from './sessions.tsx'
import { TwoFactor } from './two-factor.tsx'
import type words from './words/en.ts'

export default function ProfileView() {
  const t = useWords<typeof words>()
  const { data: me, error, refetch } = useMe()
  return (
    <Page title={t('nav.profile')} width="narrow">
      {error && !me && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {!error && !me && <SkeletonList lines={3} className="h-32" />}
      {me && (
        <div className="grid gap-5">
          {me.guest && (
            <Section title={t('profile.keep')} lead={t('profile.keep.lead')}>
              <KeepForm />
            </Section>
          )}
          <Section title={t('profile.you')}>
            <NameForm me={me} />
            {!me.guest && (
              <>
                <hr className="my-5 border-line" />
                <EmailForm me={me} />
              </>
            )}
          </Section>
          <Section title={t('look.title')}>
            <LookForm />
          </Section>
          {!me.guest && <SigningIn me={me} />}
          <Section title={t('profile.data')}>
            <OwnData me={me} />
          </Section>
        </div>
      )}
    </Page>
  )
}

/** What whoever has an address and a password keeps safe. */
function SigningIn({ me }: { me: UserView }) {
  const t = useWords<typeof words>()
  return (
    <>
      <Section title={t('profile.password')} lead={t('profile.password.lead')}>
        <PasswordForm />
      </Section>
      <Section title={t('profile.factor')} lead={t('profile.factor.lead')}>
        <TwoFactor me={me} />
      </Section>
      <Section title={t('profile.sessions')} lead={t('profile.sessions.lead')}>
        <Sessions />
      </Section>
    </>
  )
}

function Section({ title, lead, children }: { title: string; lead?: string; children: ReactNode }) {
  return (
    <Card>
      <h2 className="text-xl">{title}</h2>
      {lead && <p className="mt-1 text-ink-soft text-sm">{lead}</p>}
      <div className="mt-4">{children}</div>
    </Card>
  )
}
