import type { McpServerView } from '../../../client/client.ts'
import { classes } from '../../parts/class-names.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

const LOOKS = {
  off: 'bg-sunken text-ink-soft',
  new: 'bg-sunken text-ink-soft',
  ready: 'bg-accent-soft text-accent-strong',
  failing: 'bg-danger-soft text-danger',
  needs_sign_in: 'bg-warning-soft text-warning',
} as const

export function ServerStatus({ server: { enabled, status } }: { server: McpServerView }) {
  const t = useWords<typeof words>()
  const shown = enabled ? status : 'off'
  return (
    <span className={classes('inline-block rounded-full px-2 py-0.5 text-xs', LOOKS[shown])}>
      {t(`servers.status.${shown}`)}
    </span>
  )
}
