import { useMutation } from '@tanstack/react-query'
import { BookOpen } from 'lucide-react'
import { memo, useMemo } from 'react'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { type Citation, citationsIn } from './citations.ts'
import { openFile } from './open-file.ts'
import { useRoomFiles } from './room-files.ts'
import type words from './words/en.ts'

/** The places in files that were named: each opens there. */
export const CitedPlaces = memo(function CitedPlaces({ text }: { text: string }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const files = useRoomFiles()
  const places = useMemo(() => citationsIn(text, files), [text, files])
  const open = useMutation({
    mutationFn: ({ file, page }: Citation) => openFile(client, file.id, page),
    onError: useErrorToast(),
  })
  if (places.length === 0) return null
  return (
    <ul aria-label={t('room.cited')} className="mt-2 flex flex-wrap gap-2">
      {places.map((place) => (
        <li key={`${place.file.id}:${place.page}`}>
          <button
            type="button"
            title={t('room.file.open', { name: place.file.name })}
            onClick={() => open.mutate(place)}
            className="inline-flex min-h-8 max-w-72 items-center gap-1.5 rounded-full border border-line bg-card px-3 text-sm hover:border-accent"
          >
            <BookOpen aria-hidden="true" className="size-4 shrink-0 text-accent" />
            <bdi className="truncate">{place.file.name}</bdi>
            {place.page !== null && <span className="shrink-0">{t('room.file.page', { page: place.page })}</span>}
          </button>
        </li>
      ))}
    </ul>
  )
})
