import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'

const ROOT = join(import.meta.dirname, '../..')
const text = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')

describe('SECURITY.md', () => {
  it('names tests that exist, by words of their titles', () => {
    const wrong: string[] = []
    let named = 0
    for (const line of text.split('\n').filter((one) => one.includes('`test/'))) {
      // A file, and behind it the titles in it, up to the next file.
      for (const [, file = '', rest = ''] of line.matchAll(/`(test\/[^`]+)`:([^`]*)/g)) {
        const source = existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : ''
        const titles = source.split('\n').filter((one) => /^\s*it\(/.test(one))
        for (const [, title = ''] of rest.matchAll(/"([^"]+)"/g)) {
          named += 1
          if (!titles.some((one) => one.includes(title))) wrong.push(`${file}: ${title}`)
        }
      }
    }
    expect(wrong).to.deep.equal([])
    expect(named).to.be.greaterThan(25)
  })
})
