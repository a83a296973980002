import { useMutation } from '@tanstack/react-query'
import { Copy, Link2Off } from 'lucide-react'
import { useRef } from 'react'
import type { ShareView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { INPUT } from '../../parts/field.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { copyText } from '../room/copy-text.ts'
import type words from './words/en.ts'

const ICON = 'size-4 shrink-0'

/** One link: its address to be copied, until when it works, and the button that ends it. */
export function ShareRow({ link, onRevoked }: { link: ShareView; onRevoked: () => void }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const client = useClient()
  const onError = useErrorToast()
  const field = useRef<HTMLInputElement>(null)
  const revoke = useMutation({
    mutationFn: () => client.shares.delete(link.id),
    onSuccess() {
      toast(t('share.revoked'))
      onRevoked()
    },
    onError,
  })
  const address = location.origin + link.path
  const copy = async () => {
    // Where the browser does not allow it, the address is selected, to be copied by hand.
    const isCopied = await copyText(address)
    field.current?.select()
    if (isCopied) toast(t('action.copied'))
  }
  const until = link.expiresAt ? t('share.until', { time: formats.time(link.expiresAt) }) : t('share.untilRevoked')
  return (
    <li className="rounded-lg border border-line p-3">
      <input
        ref={field}
        readOnly
        dir="ltr"
        aria-label={t('share.address')}
        value={address}
        className={INPUT}
        onFocus={({ target }) => target.select()}
      />
      <p className="mt-1 text-ink-soft text-sm">
        {t('share.madeAt', { time: formats.time(link.createdAt) })} {until}
      </p>
      <div className="mt-2 flex flex-wrap gap-2">
        <Button small icon={<Copy aria-hidden="true" className={ICON} />} onClick={() => void copy()}>
          {t('share.copy')}
        </Button>
        <Button
          small
          kind="danger"
          icon={<Link2Off aria-hidden="true" className={ICON} />}
          busy={revoke.isPending}
          onClick={() => revoke.mutate()}
        >
          {t('share.revoke')}
        </Button>
      </div>
    </li>
  )
}
