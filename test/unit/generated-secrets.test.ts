import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadEnv } from '../../src/config/env.ts'
import { loadSecrets } from '../../src/config/secrets.ts'

describe('Generated secrets', () => {
  it('are the same for all who start at once, whole, and readable by their owner only', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'secrets-'))
    try {
      const env = loadEnv({ DATA_DIR: folder })
      const [first, ...others] = await Promise.all(Array.from({ length: 8 }, () => loadSecrets(env)))
      for (const other of others) expect(other).to.deep.equal(first)
      expect(await loadSecrets(env)).to.deep.equal(first)
      expect(await readdir(folder)).to.deep.equal(['secrets.json'])
      expect((await stat(join(folder, 'secrets.json'))).mode & 0o777).to.equal(0o600)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
