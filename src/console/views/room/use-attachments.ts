import { useRef, useState } from 'react'
import type { FileView } from '../../../client/client.ts'
import { useClient } from '../../session/session.ts'

/** A message has at most so many files. */
const MOST_FILES = 50

export interface Attachment {
  key: string
  name: string
  size: number
  /** Of its bytes, from 0 to 1. */
  sent: number
  /** There once it is uploaded. */
  view: FileView | null
  error: unknown
}

export interface Attachments {
  all: readonly Attachment[]
  isUploading: boolean
  /** Of those that are uploaded. */
  fileIds: string[]
  add: (files: Iterable<File>) => void
  /** Takes it away; what was uploaded for nothing is deleted. */
  remove: (key: string) => void
  /** They went with a message. */
  clear: () => void
}

/** Files that are to go with a message: one is uploaded after the other. */
export function useAttachments(): Attachments {
  const client = useClient()
  const [all, setAll] = useState<readonly Attachment[]>([])
  const last = useRef<Promise<unknown>>(Promise.resolve())
  const aborts = useRef(new Map<string, AbortController>())

  const change = (key: string, part: Partial<Attachment>) =>
    setAll((before) => before.map((one) => (one.key === key ? { ...one, ...part } : one)))

  const upload = async (key: string, file: File, signal: AbortSignal) => {
    if (signal.aborted) return
    try {
      const view = await client.files.upload(file, {
        signal,
        onProgress: ({ sent, total }) => change(key, { sent: total > 0 ? sent / total : 0 }),
      })
      if (signal.aborted) await client.files.delete(view.id).catch(() => undefined)
      else change(key, { view, sent: 1 })
    } catch (error) {
      if (!signal.aborted) change(key, { error })
    }
  }

  return {
    all,
    isUploading: all.some(({ view, error }) => view === null && error === null),
    fileIds: all.flatMap(({ view }) => view?.id ?? []),
    add(files) {
      const chosen = [...files].slice(0, MOST_FILES - all.length)
      for (const file of chosen) {
        const key = crypto.randomUUID()
        const abort = new AbortController()
        aborts.current.set(key, abort)
        setAll((before) => [...before, { key, name: file.name, size: file.size, sent: 0, view: null, error: null }])
        last.current = last.current.then(() => upload(key, file, abort.signal))
      }
    },
    remove(key) {
      aborts.current.get(key)?.abort()
      const view = all.find((one) => one.key === key)?.view
      if (view) void client.files.delete(view.id).catch(() => undefined)
      setAll((before) => before.filter((one) => one.key !== key))
    },
    clear: () => setAll([]),
  }
}
