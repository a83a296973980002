import type { FileRepository } from './file.repository.ts'
import { fileIdOfKey, OBJECT_PREFIXES, objectKeys } from './store/object-keys.ts'
import type { Store } from './store/store.ts'

/** What does not fit together between the rows and the store. */
export interface StorageReport {
  /** Objects seen. */
  objects: number
  /** Rows seen. */
  files: number
  /** Objects that no row needs, with their age beyond the grace; and those that `fix` removed. */
  orphans: string[]
  removed: number
  /** Files whose content is not in the store, or not of the size that the row says. */
  missing: string[]
  /** Abandoned parts of uploads that `fix` removed. */
  parts: number
}

const BATCH = 500

/**
 * Compares rows and store both ways. With `fix`, orphans older than `graceMs` are removed; files without content are only reported,
 * because removing a row would take from its owner the knowledge of what was lost.
 */
export async function auditStorage(
  { files, store }: { files: FileRepository; store: Store },
  { fix, graceMs, now = new Date() }: { fix: boolean; graceMs: number; now?: Date },
): Promise<StorageReport> {
  const report: StorageReport = { objects: 0, files: 0, orphans: [], removed: 0, missing: [], parts: 0 }
  const before = new Date(now.getTime() - graceMs)

  const check = async (keys: string[]) => {
    const ids = keys.map((key) => fileIdOfKey(key)).filter((id) => id !== undefined)
    const rows = new Map((await files.statuses(ids)).map((row) => [row.id, row]))
    for (const key of keys) {
      const row = rows.get(fileIdOfKey(key) ?? '')
      // A staged upload is needed only until it is complete; what is being deleted has its own sweep.
      const needed = row && (!key.startsWith('uploads/') || row.status === 'uploading')
      if (needed) continue
      report.orphans.push(key)
      if (!fix) continue
      await store.delete(key)
      report.removed++
    }
  }

  for (const prefix of OBJECT_PREFIXES) {
    let old: string[] = []
    for await (const object of store.list(prefix)) {
      report.objects++
      if (object.modifiedAt >= before) continue
      old.push(object.key)
      if (old.length < BATCH) continue
      await check(old)
      old = []
    }
    await check(old)
  }

  let last: string | null = null
  for (;;) {
    const batch: Array<{ id: string; size: number; image: boolean }> = await files.settledAfter(last, BATCH)
    for (const file of batch) {
      report.files++
      const object = await store.head(objectKeys(file.id).original)
      if (object?.size !== file.size) report.missing.push(file.id)
    }
    last = batch.at(-1)?.id ?? null
    if (batch.length < BATCH) break
  }
  if (fix) report.parts = await store.sweepParts(before)
  return report
}
