import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compileMessage } from '@lingui/message-utils/compileMessage'
import { expect } from 'chai'
import { z } from 'zod'
import { CONSOLE_PATHS } from '../../src/contract/console-paths.ts'

const CONSOLE = join(import.meta.dirname, '../../src/console')
const LANGUAGES = ['en', 'de', 'ar']
const catalog = z.object({ default: z.record(z.string(), z.string()) })
const folders = ['words', ...readdirSync(join(CONSOLE, 'views')).map((view) => `views/${view}/words`)]

const wordsIn = async (folder: string, language: string) =>
  catalog.parse(await import(join(CONSOLE, folder, `${language}.ts`))).default

/** Names that a message is filled with, also within plurals. */
function namesIn(message: unknown): string[] {
  if (!Array.isArray(message)) return []
  return message.flatMap((part) => {
    if (!Array.isArray(part)) return []
    const [name, , options] = part
    const inside = typeof options === 'object' && options !== null ? Object.values(options).flatMap(namesIn) : []
    return [String(name), ...inside]
  })
}
const placeholders = (text: string) => [...new Set(namesIn(compileMessage(text)))].filter((name) => name !== '#').sort()

describe('Words of the console', () => {
  for (const folder of folders) {
    it(`of ${folder} are the same in each language, are filled with the same, and can be read`, async () => {
      const [english = {}, ...others] = await Promise.all(LANGUAGES.map((language) => wordsIn(folder, language)))
      for (const [at, other] of others.entries()) {
        const language = LANGUAGES[at + 1]
        expect(Object.keys(other).sort(), language).to.deep.equal(Object.keys(english).sort())
        for (const [id, text] of Object.entries(other)) {
          expect(text.trim(), `${language} ${id}`).not.to.equal('')
          expect(placeholders(text), `${language} ${id}`).to.deep.equal(placeholders(english[id] ?? ''))
        }
      }
    })
  }

  it('are said in Arabic by Arabic letters, but for names', async () => {
    const latin: string[] = []
    for (const folder of folders) {
      for (const [id, text] of Object.entries(await wordsIn(folder, 'ar'))) {
        const said = text.replace(/\{\w+\}/g, '')
        if (/\p{Script=Latin}/u.test(said) && !/\p{Script=Arabic}/u.test(said)) latin.push(`${folder} ${id}: ${text}`)
      }
    }
    expect(latin).to.deep.equal([])
  })
})

describe('Places of the console', () => {
  it('are those that the server gives its page for', async () => {
    const text = await readFile(join(CONSOLE, 'app/places.ts'), 'utf8')
    const paths = [...text.matchAll(/path: '\/([\w-]+)/g)].map(([, path]) => path)
    expect([...new Set(paths)].sort()).to.deep.equal([...CONSOLE_PATHS].sort())
  })
})
