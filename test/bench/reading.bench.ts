import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createDataSource } from '../../src/database/data-source.ts'
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts'
import { migrate } from '../../src/database/migrate.ts'
import { allEntities } from '../../src/entities.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { searchTerms } from '../../src/storage/search-terms.ts'
import { readInProcess } from '../field/reading.ts'
import { createFilesWorld } from '../integration/files-world.ts'
import { epub } from '../support/file-corpus.ts'
import { CORPUS, type CorpusLanguage } from './reading-corpus.ts'

/** What the readers and the search must reach: the median of each kind, and answers among the first five. */
const MIN_RECALL = 0.97
const MIN_FOUND = 0.9
const FIRST = 5
const TOOL_MS = 120_000

const execute = promisify(execFile)

interface Made {
  kind: string
  /** `soffice`, `pandoc`, or `own` code. */
  by: string
  name: string
  content: Buffer
  /** What was written, when not everything could be. */
  written?: string
}

const sentencesOf = ({ fillers, facts }: CorpusLanguage): string[] => [...fillers, ...facts.map(([fact]) => fact)]
const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;')

const asHtml = (language: CorpusLanguage): string =>
  `<!doctype html><html><head><meta charset="utf-8"><title>${language.title}</title></head><body><h1>${language.title}</h1>${sentencesOf(
    language,
  )
    .map((sentence) => `<p>${escaped(sentence)}</p>`)
    .join('\n')}<table><tr><td>${sentencesOf(language)[0]}</td><td>48,213.77</td></tr></table></body></html>`

/** A single-byte or double-byte encoding, made by asking its decoder what its bytes mean. */
function encode(label: string, text: string): Buffer {
  const decoder = new TextDecoder(label)
  const wanted = new Set(text)
  const found = new Map<string, number[]>()
  const note = (...bytes: number[]) => {
    const sign = decoder.decode(Uint8Array.from(bytes))
    if (wanted.has(sign) && !found.has(sign)) found.set(sign, bytes)
  }
  for (let byte = 0; byte < 256; byte++) note(byte)
  if (/gbk|jis|euc|big5/.test(label)) {
    for (let lead = 0x81; lead < 0xff; lead++) for (let trail = 0x40; trail < 0xff; trail++) note(lead, trail)
  }
  return Buffer.from(Array.from(text, (sign) => found.get(sign) ?? [0x3f]).flat())
}

function ownFiles(language: CorpusLanguage): Made[] {
  const sentences = sentencesOf(language)
  const text = [language.title, ...sentences].join('\n')
  const made = (kind: string, name: string, content: Buffer | string): Made => ({
    kind,
    by: 'own',
    name,
    content: Buffer.from(content),
  })
  const mail = [
    `Subject: =?utf-8?B?${Buffer.from(language.title).toString('base64')}?=`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    ...(Buffer.from(sentences.join('\n'))
      .toString('base64')
      .match(/.{1,76}/g) ?? []),
  ]
  const lines = sentences.map((sentence, index) => `<text x="5" y="${20 + index * 20}">${escaped(sentence)}</text>`)
  return [
    made('text', 'a.txt', text),
    made('UTF-16', 'a.txt', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])),
    ...language.legacy.map((label) => {
      const content = encode(label, text)
      // Some letters are in no such encoding.
      return { ...made('old encodings', 'a.txt', content), written: new TextDecoder(label).decode(content) }
    }),
    made('HTML', 'a.html', asHtml(language)),
    made('Markdown', 'a.md', `# ${language.title}\n\n${sentences.join('\n\n')}`),
    made('CSV', 'a.csv', `title,text\n${sentences.map((sentence) => `${language.title},"${sentence}"`).join('\n')}`),
    made('JSON', 'a.json', JSON.stringify({ title: language.title, sentences }, null, 1)),
    made('mail', 'a.eml', mail.join('\r\n')),
    made('EPUB', 'a.epub', epub([{ title: language.title, text: escaped(sentences.join(' ')) }])),
    made(
      'SVG',
      'a.svg',
      `<svg xmlns="http://www.w3.org/2000/svg" width="900" height="400"><title>${language.title}</title>${lines.join('')}</svg>`,
    ),
  ]
}

const hasTool = async (tool: string): Promise<boolean> =>
  execute(tool, ['--version'], { timeout: TOOL_MS }).then(
    () => true,
    () => false,
  )

const hasFont = async (code: string): Promise<boolean> =>
  execute('fc-list', [`:lang=${code}`], { timeout: TOOL_MS }).then(
    ({ stdout }) => stdout.trim() !== '',
    () => false,
  )

/** By the tools that people write with, where this machine has them. */
async function toolFiles(
  folder: string,
  name: string,
  language: CorpusLanguage,
  tools: ReadonlySet<string>,
): Promise<Made[]> {
  const made: Made[] = []
  const html = join(folder, `${name}.html`)
  const csv = join(folder, `${name}.csv`)
  await writeFile(html, asHtml(language))
  await writeFile(
    csv,
    `${language.title};48213.77\n${sentencesOf(language)
      .map((sentence) => `"${sentence}";1`)
      .join('\n')}`,
  )
  const add = async (kind: string, by: string, path: string) => {
    made.push({ kind, by, name: path, content: await readFile(path) })
  }
  if (tools.has('pandoc')) {
    for (const [kind, extension] of [
      ['Word', 'docx'],
      ['PowerPoint', 'pptx'],
      ['EPUB', 'epub'],
      ['OpenDocument text', 'odt'],
      ['Rich Text', 'rtf'],
    ] as const) {
      const path = join(folder, `${name}-p.${extension}`)
      await execute('pandoc', ['-s', html, '-o', path], { timeout: TOOL_MS })
      await add(kind, 'pandoc', path)
    }
  }
  if (tools.has('soffice')) {
    const convert = async (source: string, options: string[], kind: string, extension: string) => {
      const profile = `-env:UserInstallation=file://${join(folder, 'profile')}`
      await execute('soffice', ['--headless', profile, ...options, '--outdir', folder, source], { timeout: TOOL_MS })
      await add(kind, 'soffice', source.replace(/\.[a-z]+$/, `.${extension}`))
    }
    const writer = ['--writer', '--convert-to']
    await convert(html, [...writer, 'odt:writer8'], 'OpenDocument text', 'odt')
    const odt = join(folder, `${name}.odt`)
    await convert(odt, ['--convert-to', 'docx'], 'Word', 'docx')
    await convert(odt, ['--convert-to', 'rtf'], 'Rich Text', 'rtf')
    // Without a font that has its letters a PDF has none of them.
    if (await hasFont(language.code)) await convert(odt, ['--convert-to', 'pdf'], 'PDF', 'pdf')
    const csvOptions = ['--infilter=CSV:59,34,76,1', '--convert-to']
    await convert(csv, [...csvOptions, 'xlsx'], 'Excel', 'xlsx')
    await convert(csv, [...csvOptions, 'ods'], 'OpenDocument sheet', 'ods')
    if (tools.has('pandoc'))
      await convert(join(folder, `${name}-p.pptx`), ['--convert-to', 'odp'], 'OpenDocument slides', 'odp').catch(
        () => {},
      )
  }
  return made
}

/** The share of the words that were written that are read again. */
function recall(written: string, text: string): number {
  const wanted = new Set(searchTerms(written))
  const found = new Set(searchTerms(text))
  return [...wanted].filter((word) => found.has(word)).length / wanted.size
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0

async function measureReading(folder: string): Promise<Map<string, number>> {
  const tools = new Set<string>()
  for (const tool of ['soffice', 'pandoc']) if (await hasTool(tool)) tools.add(tool)
  const results = new Map<string, Array<{ language: string; share: number }>>()
  for (const [name, language] of Object.entries(CORPUS)) {
    const files = [...ownFiles(language), ...(await toolFiles(folder, name, language, tools))]
    const whole = [language.title, ...sentencesOf(language)].join('\n')
    for (const { kind, by, name: file, content, written = whole } of files) {
      const { text, refused } = await readInProcess(file.split('/').at(-1) ?? file, 'application/octet-stream', content)
      if (refused) console.log(`${kind} by ${by} in ${name}: ${refused.message}`)
      const label = `${kind} (${by})`
      results.set(label, [...(results.get(label) ?? []), { language: name, share: recall(written, text) }])
    }
  }
  console.log(`tools found: ${[...tools].join(', ') || 'none'}\n`)
  console.log(`${'kind (made by)'.padEnd(34)} files  median  least`)
  const medians = new Map<string, number>()
  for (const [label, found] of [...results].sort(([a], [b]) => a.localeCompare(b))) {
    const shares = found.map(({ share }) => share)
    const least = found.reduce((worst, next) => (next.share < worst.share ? next : worst))
    medians.set(label, median(shares))
    const where = least.share < 1 ? `  ${least.language}` : ''
    console.log(
      `${label.padEnd(34)} ${String(found.length).padStart(5)}  ${median(shares).toFixed(3)}  ${least.share.toFixed(3)}${where}`,
    )
  }
  return medians
}

/** Each fact in a chunk of its own among fillers, all languages in one library; asked in other words. */
async function measureSearch(folder: string): Promise<number> {
  const server = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), logger: silentLogger })
  try {
    await migrate(server.url)
    const db = await createDataSource({ url: server.url, entities: allEntities, poolSize: 4 }).initialize()
    const world = await createFilesWorld(db)
    try {
      const userId = await world.user()
      const ids: string[] = []
      for (const [name, { title, fillers, facts }] of Object.entries(CORPUS)) {
        const filler = fillers.join(' ')
        const block = filler.repeat(Math.ceil(900 / filler.length))
        const parts = Array.from({ length: 60 }, (_none, index) => {
          const fact = index % 12 === 7 ? facts[(index - 7) / 12]?.[0] : undefined
          return `## ${index + 1}\n\n${block}\n\n${fact ?? ''}`
        })
        ids.push((await world.upload(userId, `${name}.md`, 'text/markdown', `# ${title}\n\n${parts.join('\n\n')}`)).id)
      }
      await world.work()
      let [asked, foundAll] = [0, 0]
      console.log(`\n${'search'.padEnd(34)} asked  found in the first ${FIRST}`)
      for (const [name, { facts }] of Object.entries(CORPUS)) {
        let found = 0
        for (const [fact, question] of facts) {
          const texts = await world.domain.chunks.texts(await world.domain.chunks.search(ids, question, FIRST))
          if (texts.some(({ text }) => text.includes(fact))) found++
          else console.log(`  not found: ${question}`)
        }
        asked += facts.length
        foundAll += found
        console.log(`${name.padEnd(34)} ${String(facts.length).padStart(5)}  ${found}`)
      }
      console.log(`recall@${FIRST}: ${(foundAll / asked).toFixed(3)} of ${asked} questions`)
      return foundAll / asked
    } finally {
      await world.close()
      await db.destroy()
    }
  } finally {
    await server.stop()
  }
}

/**
 * Makes a corpus in eight languages and all kinds, by LibreOffice and pandoc where they are installed, and prints the share of its
 * words that the readers give back, by kind; then asks questions with known answers of a library in all these languages.
 */
export async function run(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'chatsparty-bench-'))
  try {
    const medians = await measureReading(folder)
    const found = await measureSearch(folder)
    const poor = [...medians].filter(([, share]) => share < MIN_RECALL).map(([label]) => label)
    console.log(`asked: a median of ${MIN_RECALL} of each kind, ${MIN_FOUND} of the questions`)
    if (poor.length > 0 || found < MIN_FOUND)
      throw new Error(`Read or found too little: ${poor.join(', ') || 'the search'}.`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
