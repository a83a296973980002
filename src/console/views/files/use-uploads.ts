import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useStore } from '../../parts/store.ts'
import { useClient } from '../../session/session.ts'
import { UploadQueue } from './upload-queue.ts'

/** Files that are sent a few at a time; what is left of them is given up when the view is left. */
export function useUploads(mostBytes: number | undefined) {
  const client = useClient()
  const queries = useQueryClient()
  const [queue] = useState(
    () =>
      new UploadQueue(async (file, signal, onShare) => {
        try {
          await client.files.upload(file, {
            signal,
            onProgress: ({ sent, total }) => onShare(total > 0 ? sent / total : 0),
          })
        } finally {
          void queries.invalidateQueries({ queryKey: ['files'] })
        }
      }),
  )
  useEffect(() => () => queue.close(), [queue])
  return {
    uploads: useStore(queue),
    add: (files: readonly File[]) => queue.add(files, mostBytes),
    cancel: (id: number) => queue.cancel(id),
    retry: (id: number) => queue.retry(id),
  }
}
