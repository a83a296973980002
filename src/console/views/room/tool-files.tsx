import type { ToolCallView } from '../../../client/client.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { FileChip } from './file-chip.tsx'
import type words from './words/en.ts'

/** What a call gave back as files: those that were kept are opened by pressing them, of the others it is said why not. */
export function ToolFiles({ files }: { files: NonNullable<ToolCallView['files']> }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  return (
    <div className="min-w-0">
      <p className="text-ink-soft text-xs">{t('tool.files')}</p>
      <ul className="mt-1 flex flex-wrap gap-2">
        {files.map(({ id, name, size, problem }, place) => (
          <li key={id ?? place} className="min-w-0">
            {id === null ? (
              <span className="break-words text-warning">
                <bdi>{name}</bdi> ({formats.bytes(size)}):{' '}
                {t(problem === 'storage.quota_exceeded' ? 'tool.file.full' : 'tool.file.lost')}
              </span>
            ) : (
              <FileChip id={id} />
            )}
          </li>
        ))}
      </ul>
    </div>
  )
}
