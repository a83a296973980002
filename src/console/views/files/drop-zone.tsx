import { Upload, X } from 'lucide-react'
import { type DragEvent, useRef, useState } from 'react'
import type { StorageUsageView } from '../../../client/client.ts'
import { saidOf } from '../../errors/error-words.ts'
import { Button, IconButton } from '../../parts/button.tsx'
import { classes } from '../../parts/class-names.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { useUploads } from './use-uploads.ts'
import type words from './words/en.ts'

/** Where files are dropped or chosen, and how far each has come. */
export function DropZone({ limits }: { limits: StorageUsageView['limits'] | undefined }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const [isOver, setOver] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const { uploads, add, cancel, retry } = useUploads(limits?.fileBytes)
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    add([...event.dataTransfer.files])
  }
  return (
    <section aria-label={t('files.upload')} className="grid gap-2">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: who has no mouse uses the button within. */}
      <div
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
        className={classes(
          'flex flex-wrap items-center justify-center gap-3 rounded-card border-2 border-dashed px-4 py-6 text-center',
          isOver ? 'border-accent bg-accent-soft' : 'border-line-strong/60',
        )}
      >
        <Button
          kind="primary"
          icon={<Upload aria-hidden="true" className="size-4" />}
          onClick={() => input.current?.click()}
        >
          {t('files.choose')}
        </Button>
        <p className="text-ink-soft text-sm">
          {limits ? t('files.drop.limit', { limit: formats.bytes(limits.fileBytes) }) : t('files.drop')}
        </p>
        <input
          ref={input}
          type="file"
          multiple
          hidden
          aria-label={t('files.choose')}
          onChange={({ currentTarget }) => {
            add([...(currentTarget.files ?? [])])
            currentTarget.value = ''
          }}
        />
      </div>
      {uploads.length > 0 && (
        <ul aria-label={t('files.uploads')} className="grid gap-2">
          {uploads.map(({ id, file, share, error }) => (
            <li key={id} className="flex items-center gap-3 rounded-lg border border-line bg-card px-3 py-2 text-sm">
              <div className="grid min-w-0 flex-1 gap-1">
                <bdi className="truncate">{file.name}</bdi>
                {error === undefined ? (
                  <progress
                    aria-label={t('files.progress', { name: file.name })}
                    max={1}
                    value={share}
                    className="h-1.5 w-full appearance-none overflow-hidden rounded-full bg-sunken [&::-webkit-progress-bar]:bg-sunken [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-value]:bg-accent"
                  />
                ) : (
                  <p role="alert" className="text-danger">
                    {error === 'too_large'
                      ? t('files.tooLarge', { limit: formats.bytes(limits?.fileBytes ?? 0) })
                      : saidOf(error, t, formats).text}
                  </p>
                )}
              </div>
              {error !== undefined && error !== 'too_large' && (
                <Button small onClick={() => retry(id)}>
                  {t('action.retry')}
                </Button>
              )}
              <IconButton
                label={
                  error === undefined ? t('files.cancel', { name: file.name }) : t('files.dismiss', { name: file.name })
                }
                onClick={() => cancel(id)}
              >
                <X aria-hidden="true" className="size-4" />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
