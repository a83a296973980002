import { setImmediate as soon } from 'node:timers/promises'
import { expect } from 'chai'
import { UploadQueue } from '../../src/console/views/files/upload-queue.ts'

const files = (...names: string[]) => names.map((name) => new File(['x'.repeat(name.length)], name))

describe('Uploads of the console', () => {
  const begun: { name: string; signal: AbortSignal; end: (error?: Error) => void }[] = []
  beforeEach(() => begun.splice(0))
  const made = () =>
    new UploadQueue((file, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      signal.addEventListener('abort', () => reject(new Error('given up')))
      begun.push({ name: file.name, signal, end: (error) => (error ? reject(error) : resolve()) })
      return promise
    })
  const names = () => begun.map(({ name }) => name)

  it('are sent two at a time, and each once', async () => {
    const queue = made()
    queue.add(files('a', 'b', 'c'), undefined)
    expect(names()).to.deep.equal(['a', 'b'])
    begun[0]?.end()
    await soon()
    expect(names()).to.deep.equal(['a', 'b', 'c'])
    begun[1]?.end()
    begun[2]?.end()
    await soon()
    expect(queue.get()).to.deep.equal([])
    expect(names()).to.deep.equal(['a', 'b', 'c'])
  })

  it('that fail are sent again only when somebody says so; what is too large is not sent', async () => {
    const queue = made()
    queue.add(files('a', 'large'), 3)
    begun[0]?.end(new Error('no answer'))
    await soon()
    expect(names()).to.deep.equal(['a'])
    expect(queue.get().map(({ error }) => String(error))).to.deep.equal(['Error: no answer', 'too_large'])
    queue.retry(1)
    begun[1]?.end()
    await soon()
    expect(names()).to.deep.equal(['a', 'a'])
    expect(queue.get().map(({ file }) => file.name)).to.deep.equal(['large'])
  })

  it('that are cancelled leave their room to the next, and begin no more once all are given up', async () => {
    const queue = made()
    queue.add(files('a', 'b', 'c', 'd'), undefined)
    queue.cancel(1)
    await soon()
    expect(names()).to.deep.equal(['a', 'b', 'c'])
    expect(begun[0]?.signal.aborted).to.equal(true)
    queue.close()
    await soon()
    expect(names()).to.deep.equal(['a', 'b', 'c'])
  })
})
