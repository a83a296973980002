import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createDataSource } from '../../src/database/data-source.ts'
import { allEntities } from '../../src/entities.ts'
import { searchTerms } from '../../src/storage/search-terms.ts'
import { readInProcess } from '../field/reading.ts'
import { createFilesWorld } from '../integration/files-world.ts'
import { encode } from '../support/encodings.ts'
import { epub } from '../support/file-corpus.ts'
import type { Bench } from './bench-run.ts'
import { atLeast } from './harness.ts'
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

const PANDOC = [
  ['Word', 'docx'],
  ['PowerPoint', 'pptx'],
  ['EPUB', 'epub'],
  ['OpenDocument text', 'odt'],
  ['Rich Text', 'rtf'],
] as const

/** By the tools that people write with, where this machine has them; by language. Each program is started once for all of them. */
async function toolFiles(
  folder: string,
  languages: Readonly<Record<string, CorpusLanguage>>,
  tools: ReadonlySet<string>,
): Promise<Map<string, Made[]>> {
  const names = Object.keys(languages)
  const made = new Map<string, Made[]>(names.map((name) => [name, []]))
  const add = async (name: string, kind: string, by: string, path: string) => {
    made.get(name)?.push({ kind, by, name: path, content: await readFile(path) })
  }
  for (const [name, language] of Object.entries(languages)) {
    const rows = sentencesOf(language).map((sentence) => `"${sentence}";1`)
    await writeFile(join(folder, `${name}.html`), asHtml(language))
    await writeFile(join(folder, `${name}.csv`), `${language.title};48213.77\n${rows.join('\n')}`)
    if (!tools.has('pandoc')) continue
    for (const [kind, extension] of PANDOC) {
      const path = join(folder, `${name}-p.${extension}`)
      await execute('pandoc', ['-s', join(folder, `${name}.html`), '-o', path], { timeout: TOOL_MS })
      await add(name, kind, 'pandoc', path)
    }
  }
  if (!tools.has('soffice')) return made
  const profile = `-env:UserInstallation=file://${join(folder, 'profile')}`
  const convert = async (from: string, options: string[], kind: string, to: string, only = names) => {
    const sources = only.map((name) => join(folder, `${name}${from}`))
    await execute('soffice', ['--headless', profile, ...options, '--outdir', folder, ...sources], { timeout: TOOL_MS })
    for (const name of only) await add(name, kind, 'soffice', join(folder, `${name}${from.replace(/\.[a-z]+$/, to)}`))
  }
  await convert('.html', ['--writer', '--convert-to', 'odt:writer8'], 'OpenDocument text', '.odt')
  await convert('.odt', ['--convert-to', 'docx'], 'Word', '.docx')
  await convert('.odt', ['--convert-to', 'rtf'], 'Rich Text', '.rtf')
  const written: string[] = []
  // Without a font that has its letters a PDF has none of them.
  for (const [name, { code }] of Object.entries(languages)) if (await hasFont(code)) written.push(name)
  await convert('.odt', ['--convert-to', 'pdf'], 'PDF', '.pdf', written)
  const sheets = ['--infilter=CSV:59,34,76,1', '--convert-to']
  await convert('.csv', [...sheets, 'xlsx'], 'Excel', '.xlsx')
  await convert('.csv', [...sheets, 'ods'], 'OpenDocument sheet', '.ods')
  if (tools.has('pandoc')) await convert('-p.pptx', ['--convert-to', 'odp'], 'OpenDocument slides', '.odp')
  return made
}

/** The share of the words that were written that are read again. */
function recall(written: string, text: string): number {
  const wanted = new Set(searchTerms(written))
  const found = new Set(searchTerms(text))
  return [...wanted].filter((word) => found.has(word)).length / wanted.size
}

async function measureReading(
  folder: string,
  languages: Readonly<Record<string, CorpusLanguage>>,
  { report, say }: Bench,
): Promise<void> {
  const tools = new Set<string>()
  for (const tool of ['soffice', 'pandoc']) if (await hasTool(tool)) tools.add(tool)
  say(`tools found: ${[...tools].join(', ') || 'none'}`)
  const results = new Map<string, Array<{ language: string; share: number }>>()
  const made = await toolFiles(folder, languages, tools)
  for (const [name, language] of Object.entries(languages)) {
    const files = [...ownFiles(language), ...(made.get(name) ?? [])]
    const whole = [language.title, ...sentencesOf(language)].join('\n')
    for (const { kind, by, name: file, content, written = whole } of files) {
      const { text, refused } = await readInProcess(file.split('/').at(-1) ?? file, 'application/octet-stream', content)
      if (refused) say(`${kind} by ${by} in ${name}: ${refused.message}`)
      const label = `${kind} (${by})`
      results.set(label, [...(results.get(label) ?? []), { language: name, share: recall(written, text) }])
    }
  }
  for (const [label, found] of [...results].sort(([a], [b]) => a.localeCompare(b))) {
    const samples = found.map(({ share }) => share)
    const least = found.reduce((worst, next) => (next.share < worst.share ? next : worst))
    if (least.share < MIN_RECALL) say(`${label}: ${least.share.toFixed(3)} in ${least.language}`)
    report({ name: `words read, ${label}`, unit: 'share', samples, target: atLeast(MIN_RECALL) })
  }
}

/** Each fact in a chunk of its own among fillers, all languages in one library; asked in other words. */
async function measureSearch(
  languages: Readonly<Record<string, CorpusLanguage>>,
  { stage, report, say }: Bench,
): Promise<void> {
  const database = await stage.createDatabase()
  const db = await createDataSource({ url: database.url, entities: allEntities, poolSize: 4 }).initialize()
  const world = await createFilesWorld(db)
  try {
    const userId = await world.user()
    const ids: string[] = []
    for (const [name, { title, fillers, facts }] of Object.entries(languages)) {
      const filler = fillers.join(' ')
      const block = filler.repeat(Math.ceil(900 / filler.length))
      const parts = Array.from({ length: 60 }, (_none, index) => {
        const fact = index % 12 === 7 ? facts[(index - 7) / 12]?.[0] : undefined
        return `## ${index + 1}\n\n${block}\n\n${fact ?? ''}`
      })
      const text = `# ${title}\n\n${parts.join('\n\n')}`
      ids.push((await world.upload(userId, `${name}.md`, 'text/markdown', text)).id)
    }
    await world.work()
    const shares: number[] = []
    for (const [name, { facts }] of Object.entries(languages)) {
      let found = 0
      for (const [fact, question] of facts) {
        const texts = await world.domain.chunks.texts(await world.domain.chunks.search(ids, question, FIRST))
        if (texts.some(({ text }) => text.includes(fact))) found++
        else say(`${name}, not found: ${question}`)
      }
      say(`${name}: ${found} of ${facts.length} questions answered by the first ${FIRST}`)
      shares.push(found / facts.length)
    }
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
    report({ name: `recall@${FIRST} of the search`, unit: 'share', samples: [mean], target: atLeast(MIN_FOUND) })
  } finally {
    await world.close()
    await db.destroy()
    await database.drop()
  }
}

/**
 * Makes a corpus in eight languages and all kinds, by LibreOffice and pandoc where they are installed, and reports the share of its
 * words that the readers give back, by kind; then asks questions with known answers of a library in all these languages.
 */
export async function run(bench: Bench): Promise<void> {
  const languages = bench.quick ? { english: CORPUS.english, chinese: CORPUS.chinese } : CORPUS
  const folder = await mkdtemp(join(tmpdir(), 'chatsparty-bench-'))
  try {
    await measureReading(folder, languages, bench)
    await measureSearch(languages, bench)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
