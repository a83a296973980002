import { WifiOff } from 'lucide-react'
import { Spinner } from '../parts/button.tsx'
import { useLink } from '../session/live.ts'
import { useWords } from '../words/use-words.ts'

/** Says when what is shown may be old, and that it heals by itself. Nothing while all is well. */
export function LinkStatus() {
  const t = useWords()
  const link = useLink()
  const isTrouble = link === 'offline' || link === 'reconnecting'
  return (
    <div role="status">
      {isTrouble && (
        <p className="flex items-center justify-center gap-2 bg-warning-soft px-4 py-2 text-sm text-warning">
          {link === 'offline' ? <WifiOff aria-hidden="true" className="size-4" /> : <Spinner />}
          {t(link === 'offline' ? 'link.offline' : 'link.reconnecting')}
        </p>
      )}
    </div>
  )
}
