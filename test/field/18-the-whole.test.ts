import { expect } from 'chai'
import { createFilesWorld, type FilesWorld } from '../integration/files-world.ts'
import { useDatabase } from '../support/database.ts'
import { XLSX } from '../support/file-corpus.ts'
import { sheetFile } from './office.ts'

const FILLERS: Record<string, [question: string, first: string, filler: string]> = {
  english: [
    'Summarise this document.',
    'This report is about the tides of Bristol.',
    'The document was summarised by the committee, which postponed the matter once more for lack of time.',
  ],
  german: [
    'Fasse dieses Dokument zusammen.',
    'Dieser Bericht handelt von den Gezeiten.',
    'Das Dokument fasste die Sitzung zusammen, die wieder vertagt wurde, weil niemand Zeit hatte.',
  ],
  french: [
    'Résume ce document.',
    'Ce rapport traite des marées.',
    'Le document résume la réunion, encore reportée parce que personne ne trouvait le temps.',
  ],
  russian: [
    'О чём этот документ?',
    'Этот отчёт посвящён приливам.',
    'Документ снова перенесли на следующую неделю, потому что ни у кого не было времени.',
  ],
  chinese: ['总结这个文件。', '本报告介绍潮汐。', '这个文件总结了会议，会议又推迟到下一周，因为没有人有时间。'],
  japanese: [
    'この文書を要約してください。',
    'この報告書は潮汐についてである。',
    'この文書は会議を要約したもので、会議はまた来週に延期された。',
  ],
}

describe('Field 18: a question about the whole finds the whole', function () {
  this.timeout(60_000)
  const db = useDatabase()
  let world: FilesWorld
  const ids = new Map<string, string>()
  before(async () => {
    world = await createFilesWorld(db.dataSource)
    const userId = await world.user()
    for (const [language, [, first, filler]] of Object.entries(FILLERS)) {
      const chapters = Array.from(
        { length: 24 },
        (_none, index) => `## Part ${index + 1}\n\n${filler.repeat(Math.ceil(900 / filler.length))}`,
      )
      const text = `# Title\n\n${first}\n\n${chapters.join('\n\n')}`
      ids.set(language, (await world.upload(userId, `${language}.md`, 'text/markdown', text)).id)
    }
    const rows = Array.from(
      { length: 400 },
      (_none, index) =>
        `<row r="${index + 1}"><c r="A${index + 1}" t="inlineStr"><is><t>${index === 300 ? 'Zanzibar' : 'harbour'} ${index}</t></is></c><c r="C${index + 1}"><v>${index}</v></c></row>`,
    )
    ids.set('sheet', (await world.upload(userId, 'tides.xlsx', XLSX, sheetFile(rows.join('')))).id)
    await world.work()
  })
  after(() => world.close())

  for (const [language, [question, first]] of Object.entries(FILLERS)) {
    it(`gives the beginning and the headings (${language})`, async () => {
      const passages = await world.domain.files.contextFor([ids.get(language) ?? ''], question, 2_500)
      const text = passages.map((passage) => passage.text).join('\n')
      expect(text).to.contain(first)
      expect(text).to.contain('Headings of this file').and.to.contain('Part 3')
    })
  }

  it('gives parts from everywhere when nothing matches', async () => {
    const passages = await world.domain.files.contextFor([ids.get('english') ?? ''], 'zzzz qqqq', 4_000)
    const parts = new Set(passages.map(({ heading }) => heading))
    expect(parts.size).to.be.greaterThan(5)
  })

  it('gives the beginnings of several large files, within the budget', async () => {
    const wanted = [ids.get('english') ?? '', ids.get('german') ?? '', ids.get('russian') ?? '']
    const passages = await world.domain.files.contextFor(wanted, 'committee', 2_400)
    for (const id of wanted) {
      expect(passages.find(({ fileId, text }) => fileId === id && !text.startsWith('Headings'))?.text).to.contain(
        '# Title',
      )
    }
    const characters = passages.reduce((sum, { text }) => sum + text.length, 0)
    expect(characters).to.be.below(2_400 * 4)
  })

  it('names the place of every passage: rows of a sheet by their cells', async () => {
    const passages = await world.domain.files.contextFor([ids.get('sheet') ?? ''], 'Zanzibar', 1_500)
    const found = passages.find(({ text }) => text.includes('Zanzibar'))
    expect(found?.heading).to.equal('S: harbour 0 |  | 0')
    const [, from = 0, to = 0] = /^A(\d+):C(\d+)$/.exec(found?.cells ?? '') ?? []
    expect(Number(from)).to.be.at.most(301)
    expect(Number(to)).to.be.at.least(301)
    expect(found?.text.split('\n')).to.have.length(Number(to) - Number(from) + 1)
  })
})
