import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useClient } from '../../session/session.ts'

/** One file on its way; `share` of its bytes has been sent. */
export interface Upload {
  id: number
  file: File
  share: number
  /** `too_large` is known without asking the server. */
  error?: unknown
}

/** Uploads that run at once. */
const AT_ONCE = 2

/** Files that are sent a few at a time; what is left of them goes on until the view is left. */
export function useUploads(mostBytes: number | undefined) {
  const client = useClient()
  const queries = useQueryClient()
  const [uploads, setUploads] = useState<readonly Upload[]>([])
  const running = useRef(new Map<number, AbortController>())
  const last = useRef(0)
  const change = (id: number, part: Partial<Upload>) =>
    setUploads((now) => now.map((one) => (one.id === id ? { ...one, ...part } : one)))
  const drop = (id: number) => setUploads((now) => now.filter((one) => one.id !== id))

  const send = async ({ id, file }: Upload, abort: AbortController) => {
    try {
      await client.files.upload(file, {
        signal: abort.signal,
        onProgress: ({ sent, total }) => change(id, { share: total > 0 ? sent / total : 0 }),
      })
      drop(id)
    } catch (error) {
      if (!abort.signal.aborted) change(id, { error })
    } finally {
      running.current.delete(id)
      void queries.invalidateQueries({ queryKey: ['files'] })
    }
  }

  // Whatever waits begins as soon as there is room.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `send` is of the same client.
  useEffect(() => {
    for (const upload of uploads) {
      if (running.current.size >= AT_ONCE) return
      if (upload.error !== undefined || running.current.has(upload.id)) continue
      const abort = new AbortController()
      running.current.set(upload.id, abort)
      void send(upload, abort)
    }
  }, [uploads])
  useEffect(() => {
    const all = running.current
    return () => {
      for (const abort of all.values()) abort.abort()
    }
  }, [])

  return {
    uploads,
    add(files: readonly File[]) {
      const added = files.map((file): Upload => {
        last.current++
        const isTooLarge = mostBytes !== undefined && file.size > mostBytes
        return { id: last.current, file, share: 0, ...(isTooLarge && { error: 'too_large' }) }
      })
      setUploads((now) => [...now, ...added])
    },
    cancel(id: number) {
      running.current.get(id)?.abort()
      // There is room for the next at once.
      running.current.delete(id)
      drop(id)
    },
    retry: (id: number) => change(id, { error: undefined, share: 0 }),
  }
}
