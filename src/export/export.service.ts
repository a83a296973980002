import type { AuditLog } from '../audit/audit-log.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import { mayManage } from '../identity/user.policy.ts'
import type { UserRepository } from '../identity/user.repository.ts'
import { AppError, notFound } from '../shared/errors.ts'
import { Seats } from '../shared/seats.ts'
import { objectKeys } from '../storage/store/object-keys.ts'
import { ObjectMissing, type Store } from '../storage/store/store.ts'
import { Archive } from './archive.ts'
import type { ExportRepository, Snapshot } from './export.repository.ts'
import { CONVERSATION, CONVERSATIONS, EXPORT_TABLES, FILES, MESSAGES } from './export-tables.ts'
import { type ExportedMessage, jsonList, markdownOf } from './export-texts.ts'

interface ExportDependencies {
  rows: ExportRepository
  users: Pick<UserRepository, 'find'>
  store: Pick<Store, 'get'>
  audit: Pick<AuditLog, 'recordAlone'>
}

/** Exports of one process at once: each has a connection to the database for as long as its rows are read. */
const AT_ONCE = 4
/** A client that has not taken the rows within this keeps no snapshot of the database any longer, in ms. */
const ROWS_MS = 600_000
const RETRY_AFTER_SECONDS = 30

type Row = { row: Record<string, unknown> }

/** Everything that is kept of a user, for the user: one archive, made while it is sent. */
export class ExportService {
  readonly #deps: ExportDependencies
  readonly #seats = new Seats({ each: 1, all: AT_ONCE })

  constructor(dependencies: ExportDependencies) {
    this.#deps = dependencies
  }

  /**
   * `open` is called when nothing stands against it any more, and gives what the archive is written to.
   * @throws AppError 404; 409 `users.export_running`; 503 `users.export_busy`
   */
  async export(actor: AuthUser, userId: string, open: () => NodeJS.WritableStream): Promise<void> {
    const { rows, users, audit } = this.#deps
    if (!mayManage(actor, userId) || !(await users.find(userId))) throw notFound('user')
    const leave = this.#seats.take(userId)
    if (leave === 'each') throw new AppError('users.export_running')
    if (leave === 'all') {
      throw new AppError('users.export_busy', { details: { retryAfterSeconds: RETRY_AFTER_SECONDS } })
    }
    try {
      let archive: Archive | undefined
      const read = await rows.snapshot(userId, async (snapshot) => {
        await audit.recordAlone({ action: 'user.exported', actorId: actor.id, targetId: userId })
        archive = new Archive(open())
        const late = setTimeout(() => archive?.fail(), ROWS_MS)
        try {
          return await this.#addRows(archive, snapshot, userId)
        } finally {
          clearTimeout(late)
        }
      })
      if (!read || !archive) throw new AppError('users.export_running')
      await this.#addFiles(archive, read.value)
      await archive.close()
    } finally {
      leave()
    }
  }

  /** Answers the files that are to follow. */
  async #addRows(archive: Archive, snapshot: Snapshot, userId: string): Promise<Array<{ id: string; name: string }>> {
    for (const { name, sql } of EXPORT_TABLES) await archive.add(name, jsonList(snapshot.read<Row>(sql, [userId])))
    const conversations = snapshot.read<{ id: string; title: string | null; created_at: Date }>(CONVERSATIONS, [userId])
    for await (const { id, title, created_at: createdAt } of conversations) {
      const name = `conversations/${createdAt.toISOString().slice(0, 10)}-${id}`
      await archive.add(`${name}.json`, conversationOf(snapshot, id))
      await archive.add(`${name}.md`, markdownOf(title, snapshot.read<{ row: ExportedMessage }>(MESSAGES, [id])))
    }
    const files: Array<{ id: string; name: string }> = []
    for await (const file of snapshot.read<{ id: string; name: string }>(FILES, [userId])) files.push(file)
    return files
  }

  /** As they were uploaded. One that was deleted meanwhile, or that the store has lost, is named in a list. */
  async #addFiles(archive: Archive, files: Array<{ id: string; name: string }>): Promise<void> {
    const missing: string[] = []
    for (const { id, name } of files) {
      const body = await this.#deps.store.get(objectKeys(id).original).catch((error: unknown) => {
        if (error instanceof ObjectMissing) return undefined
        throw error
      })
      if (body) await archive.add(`files/${id}/${name.replaceAll('\\', '_')}`, body, true)
      else missing.push(id)
    }
    if (missing.length > 0) await archive.add('files-missing.json', jsonList(missing.map((id) => ({ row: { id } }))))
  }
}

async function* conversationOf(snapshot: Snapshot, id: string): AsyncGenerator<string> {
  for await (const { row } of snapshot.read<Row>(CONVERSATION, [id])) {
    yield `{"conversation": ${JSON.stringify(row)},\n"messages": `
    yield* jsonList(snapshot.read<Row>(MESSAGES, [id]))
    yield '}\n'
  }
}
