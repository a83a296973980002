import type { StorageUsageView } from '../../../client/client.ts'
import { classes } from '../../parts/class-names.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** From this share on it is nearly full. */
const NEARLY = 0.9

/** What is stored of what may be. */
export function UsageBar({ usage: { bytes, files, limits } }: { usage: StorageUsageView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const share = Math.min(1, Math.max(bytes / limits.bytes, files / limits.files))
  const said = t('files.usage', {
    bytes: formats.bytes(bytes),
    limit: formats.bytes(limits.bytes),
    files: formats.number(files),
    most: formats.number(limits.files),
  })
  return (
    <div className="grid gap-1">
      <progress
        aria-label={said}
        max={1}
        value={share}
        className={classes(
          'h-2 w-full appearance-none overflow-hidden rounded-full bg-sunken [&::-webkit-progress-bar]:bg-sunken',
          share >= NEARLY
            ? '[&::-moz-progress-bar]:bg-danger [&::-webkit-progress-value]:bg-danger'
            : '[&::-moz-progress-bar]:bg-accent [&::-webkit-progress-value]:bg-accent',
        )}
      />
      <p className="text-ink-soft text-sm">{said}</p>
    </div>
  )
}
