import { expect } from 'chai'
import { rows } from '../../src/database/query.ts'
import { newId } from '../../src/shared/ids.ts'
import { FileWorkRepository } from '../../src/storage/processing/file-work.repository.ts'
import { insertUser, useDatabase } from '../support/database.ts'

describe('Files that wait to be read', () => {
  const database = useDatabase({ poolSize: 1 })
  const limits = { leaseMs: 60_000, hourlyMs: 600_000 }
  let work: FileWorkRepository
  before(() => {
    work = new FileWorkRepository(database.dataSource)
  })
  const sql = <Row>(text: string, parameters: unknown[] = []): Promise<Row[]> =>
    rows(database.dataSource.manager, text, parameters)
  const addUser = () => insertUser(database.dataSource)
  /** So many wait, each a second longer than the next; answers the longest. */
  const wait = async (userId: string, count: number, size = 1_000): Promise<string> => {
    const [oldest] = await sql<{ id: string }>(
      `INSERT INTO files (id, user_id, name, content_type, size, direct, status, due_at, deadline_at)
       SELECT gen_random_uuid(), $1, '', 'text/plain', $3, false, 'processing', now() - ($2 - n) * interval '1 s', now() + interval '1 hour'
       FROM generate_series(0, $2 - 1) AS n RETURNING id`,
      [userId, count, size],
    )
    return oldest?.id ?? ''
  }

  it('cost no more to choose from however many each user has', async () => {
    const users = [await addUser(), await addUser(), await addUser()]
    const oldest: string[] = []
    for (const userId of users) {
      oldest.push(await wait(userId, 2_000))
      await wait(userId, 100, 10_000_000)
    }
    await sql('ANALYZE files')
    await sql('BEGIN')
    const claimed = await work.claim(oldest[1] ?? '', newId(), limits)
    expect(claimed?.id).to.equal(oldest[1])
    const [read] = await sql<{ rows: string }>(
      `SELECT seq_tup_read + idx_tup_fetch AS rows FROM pg_stat_xact_user_tables WHERE relname = 'files'`,
    )
    await sql('ROLLBACK')
    expect(Number(read?.rows)).to.be.lessThan(200)
  })

  it('are chosen by user, then by age, and small ones apart from large ones', async () => {
    const [busy, idle] = [await addUser(), await addUser()]
    const named = await wait(busy, 3)
    const large = await wait(busy, 1, 10_000_000)
    const other = await wait(idle, 2)
    const claim = async (id: string) => (await work.claim(id, newId(), limits))?.id
    await sql(`UPDATE files SET status = 'ready' WHERE user_id <> ALL ($1)`, [[busy, idle]])
    expect(await claim(named)).to.equal(named)
    // Now the other user has fewer in work.
    expect(await claim(named)).to.equal(other)
    expect(await claim(large)).to.equal(large)
    await sql(`INSERT INTO file_effort (user_id, since, ms) VALUES ($1, now(), $2)`, [idle, limits.hourlyMs])
    const third = await sql<{ user_id: string }>('SELECT user_id FROM files WHERE id = $1', [await claim(named)])
    expect(third).to.deep.equal([{ user_id: busy }])
  })
})
