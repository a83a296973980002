import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { startApp } from '../support/app.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { startProcess } from '../support/processes.ts'

const ADMIN_EMAIL = 'chief@example.com'

describe("The first administrator's password in production", function () {
  this.timeout(60_000)
  let database: TestDatabase
  let folder: string
  before(async () => {
    ;[database, folder] = await Promise.all([createDatabase(), mkdtemp(join(tmpdir(), 'admin-password-'))])
  })
  after(async () => {
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  })
  const seeding = () =>
    startProcess('src/db.ts', {
      args: ['seed'],
      env: {
        NODE_ENV: 'production',
        LOG_LEVEL: 'trace',
        DATABASE_URL: database.url,
        DATA_DIR: folder,
        ADMIN_EMAIL,
      },
    })

  it('is in a file that only its owner reads, and in no output, also when two processes seed at once', async () => {
    const path = join(folder, 'admin-password')
    // What a process left that died in the middle, open for all to read.
    await writeFile(`${path}.new`, 'half a pass', { mode: 0o644 })
    const both = [seeding(), seeding()]
    const ends = await Promise.all(both.map(({ ended }) => ended))
    const output = both.map((one) => one.output).join('\n')
    expect(ends, output).to.deep.equal(Array(2).fill({ code: 0, signal: null }))
    const password = (await readFile(path, 'utf8')).trim()
    expect(password).to.have.length.at.least(16)
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
    expect(output).to.include(`in ${path}.`).and.not.include(password)
    expect(output.match(/Administrator: /g)).to.have.length(1)
    expect((await readdir(folder)).filter((name) => name.endsWith('.new'))).to.deep.equal([])

    // With the secrets that those processes made.
    const own = { DATA_DIR: folder, JWT_SECRET: '', ENCRYPTION_KEYS: '' }
    const app = await startApp({ databaseUrl: database.url, worker: false, env: own })
    try {
      const admin = await app.api.login(ADMIN_EMAIL, password)
      expect((await admin.get('/api/users')).status).to.equal(200)
    } finally {
      await app.close()
    }
    const again = seeding()
    await again.ended
    expect(again.output)
      .to.include('seeded')
      .and.not.match(/password/i)
    expect((await readFile(path, 'utf8')).trim()).to.equal(password)
  })
})
