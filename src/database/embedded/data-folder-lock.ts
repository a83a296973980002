import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf } from '../../shared/errors.ts'
import { FOLDER_REMEDY, FolderBusy, SetupError } from '../setup-error.ts'

/** Held locks, so that the garbage collector, which would close them, does not free them. */
const held = new Set<DatabaseSync>()

/**
 * One process per data folder. The lock is the kernel's (through SQLite, Node's only way to it), so it ends with the process
 * however that ends: there are no stale locks, no reused pids, and it holds between containers that share a volume.
 * The pid beside it is only for the message.
 */
export async function lockDataFolder(dataDir: string): Promise<() => void> {
  const pidFile = join(dataDir, 'lock.pid')
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(join(dataDir, 'lock'))
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    lock?.close()
    if (!/locked/.test(messageOf(error))) {
      throw new SetupError(`The data folder ${dataDir} cannot be used: ${messageOf(error)}. ${FOLDER_REMEDY}`)
    }
    const pid = await readFile(pidFile, 'utf8').catch(() => 'unknown')
    throw new FolderBusy(
      `Another Chatsparty is running on this data folder: ${dataDir} (pid ${pid.trim()}). Stop it, or set DATA_DIR to another folder.`,
    )
  }
  const taken = lock
  held.add(taken)
  await writeFile(pidFile, `${process.pid}\n`)
  return () => {
    if (held.delete(taken)) taken.close()
  }
}
