import { createDataSource } from '../../src/database/data-source.ts'
import { LocalStore } from '../../src/storage/store/local-store.ts'
import { createFilesWorld } from './files-world.ts'

// A worker for the test that kills it: processes one file and says when it has the claim.
const [url = '', root = '', fileId = ''] = process.argv.slice(2)
const db = await createDataSource({ url, entities: [], poolSize: 2 }).initialize()
const world = await createFilesWorld(db, { store: () => new LocalStore(root) })
const limits = { timeoutMs: 20_000, memoryMb: 256, maxPages: 10_000, maxTextChars: 500_000 }
const claim = world.domain.work.claim.bind(world.domain.work)
world.domain.work.claim = async (...args) => {
  const file = await claim(...args)
  console.log(file ? 'claimed' : 'nothing to claim')
  return file
}
await world.processor({ limits }).handle({ fileId }, { signal: new AbortController().signal })
console.log('done')
await db.destroy()
