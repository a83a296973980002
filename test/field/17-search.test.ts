import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { createDataSource } from '../../src/database/data-source.ts'
import { migrate } from '../../src/database/migrate.ts'
import { allEntities } from '../../src/entities.ts'
import { reconcileFiles } from '../../src/storage/processing/file-reconciler.ts'
import { createFilesWorld, type FilesWorld } from '../integration/files-world.ts'
import { useDatabase } from '../support/database.ts'
import { runSql, testServer, withDatabase } from '../support/global-fixtures.ts'
import { readInProcess } from './reading.ts'

/** A document of many chunks: its sentences, each in a chunk of its own among others of the same language. */
function document(sentences: readonly string[], filler: string): string {
  const block = Array.from({ length: Math.ceil(1_000 / filler.length) }, () => filler).join(' ')
  return Array.from({ length: 40 }, (_none, index) => {
    const sentence = index % 4 === 2 ? sentences[(index - 2) / 4] : undefined
    return `# ${index + 1}\n\n${block}\n\n${sentence ?? ''}`
  }).join('\n\n')
}

const LIBRARY: Record<string, string> = {
  english: document(
    [
      'The account “Zephyr Escrow” — opened in May — holds the deposit.',
      'The total came to 48,213.77 after tax.',
      'Our ﬁnancial oﬃce certiﬁed the eﬀect.',
      'Her résumé named a naïve café owner, Zoë Brontë.',
      'The mice were running from the co-operative’s wolves.',
      'Please quote reference AB-1234/77-X in all letters.',
      'The invi\u00adsible hyphen\u00adation of soft\u200bware was cor\u00adrected.',
      'Mr Kowalczyk and Ms Schmidt signed for Vandenberghe Holdings.',
    ],
    'The committee met again and postponed the matter until the following week for lack of time.',
  ),
  german: document(
    [
      'Die alten Häuser am Kanal wurden verkauft.',
      'Der Straßenbau begann in Fußgängernähe.',
      'Übergrößen kosten 1.250,50 Euro mehr.',
    ],
    'Die Sitzung wurde erneut vertagt, weil wieder niemand genug Zeit für die Angelegenheit hatte und alle gehen wollten.',
  ),
  polish: document(
    ['Zawarto umowę najmu z Kowalskim.', 'Świadectwo wydał łódzki urząd.'],
    'Posiedzenie zostało ponownie odroczone, ponieważ nikt nie miał czasu, żeby zająć się tą sprawą jeszcze dzisiaj.',
  ),
  russian: document(
    ['В договорах указаны новые адреса заводов.', 'Ёлка стоит у дома.'],
    'Заседание снова перенесли на следующую неделю, потому что ни у кого не было времени заниматься этим вопросом сегодня.',
  ),
  french: document(
    ['Les chevaux mangeaient à l’hôtel près des œuvres.'],
    'La réunion a encore été reportée parce que personne ne trouvait le temps de s’occuper de cette affaire cette semaine.',
  ),
  chinese: document(
    ['臺灣大學圖書館開放時間為早上九點。', '合同总金额为三万元。'],
    '会议又推迟到下一周，因为没有人有时间处理这件事情，大家都想早点回家休息。',
  ),
  japanese: document(
    ['ﾃﾞｰﾀﾍﾞｰｽの移行は金曜日に行われる。', '東京タワーの高さは三百三十三メートルである。'],
    '会議はまた来週に延期され、誰もこの問題を扱う時間がないと言った。',
  ),
  korean: document(
    ['서울특별시는 한강을 따라 공원을 만들었다.'],
    '회의는 다시 다음 주로 연기되었고 아무도 이 문제를 다룰 시간이 없다고 말했다.',
  ),
  thai: document(['หอสมุดแห่งชาติเปิดเวลาเก้าโมงเช้า'], 'การประชุมถูกเลื่อนออกไปเป็นสัปดาห์หน้าเพราะไม่มีใครมีเวลาจัดการเรื่องนี้'),
  arabic: document(
    ['وقّع المديرُ العقودَ في مكتبة الإسكندرية بمبلغ ١٢٬٥٠٠ دينار.'],
    'تأجل الاجتماع مرة أخرى إلى الأسبوع المقبل لأن أحدا لم يجد الوقت الكافي لمعالجة هذه المسألة اليوم.',
  ),
  hindi: document(
    ['पुस्तकालय की किताबें नए भवन में रखी गईं।'],
    'बैठक फिर से अगले सप्ताह तक टाल दी गई क्योंकि किसी के पास इस मामले को देखने का समय नहीं था।',
  ),
  greek: document(
    ['Οι συμβάσεις υπογράφηκαν στην Αθήνα.'],
    'Η συνεδρίαση αναβλήθηκε ξανά για την επόμενη εβδομάδα επειδή κανείς δεν είχε χρόνο να ασχοληθεί με το θέμα.',
  ),
}

/** What is asked, in which document, and a word of the chunk that answers. */
const QUESTIONS: ReadonlyArray<[what: string, language: keyof typeof LIBRARY, query: string, answer: string]> = [
  ['words beside typographic quotation marks and dashes', 'english', 'Zephyr Escrow', 'Zephyr'],
  ['a number without its separators', 'english', '48213.77', '48,213.77'],
  ['a number with separators of another country', 'english', '48.213,77', '48,213.77'],
  ['a number with a thin space', 'english', '48\u202f213,77', '48,213.77'],
  ['a number without its decimals', 'english', '48213', '48,213.77'],
  ['words with ligatures', 'english', 'financial office', 'ﬁnancial'],
  ['words typed without accents', 'english', 'resume Bronte', 'résumé'],
  ['accents that are written as two signs', 'english', 're\u0301sume\u0301', 'résumé'],
  ['a word too short to be like another, by its stem', 'english', 'run', 'running'],
  ['inflected words', 'english', 'run cooperatives wolf', 'running'],
  ['a reference with other separators', 'english', 'AB1234', 'AB-1234'],
  ['the same reference in small letters', 'english', 'ab-1234/77-x', 'AB-1234'],
  ['words with soft hyphens', 'english', 'invisible hyphenation', 'invi'],
  ['words with invisible signs', 'english', 'software corrected', 'cor'],
  ['a name that is misspelt', 'english', 'Kovalczyk', 'Kowalczyk'],
  ['a name that is spelt as it sounds', 'english', 'Schmitt', 'Schmidt'],
  ['a name with a letter too few', 'english', 'Vandenberge', 'Vandenberghe'],
  ['German nouns in another number', 'german', 'Haus', 'Häuser'],
  ['German without umlauts', 'german', 'Hauser', 'Häuser'],
  ['German with ss for ß', 'german', 'Strassenbau', 'Straßenbau'],
  ['a German number', 'german', '1250.50', '1.250,50'],
  ['Polish cases', 'polish', 'umowa', 'umowę'],
  ['Polish plural', 'polish', 'umowy', 'umowę'],
  ['a Polish name in another case', 'polish', 'Kowalski', 'Kowalskim'],
  ['Polish without its own letters', 'polish', 'lodzki urzad', 'łódzki'],
  ['Russian cases', 'russian', 'договор', 'договорах'],
  ['Russian cases of another noun', 'russian', 'завод', 'заводов'],
  ['Russian ё as е', 'russian', 'Елка', 'Ёлка'],
  ['French plurals and verbs', 'french', 'cheval manger', 'chevaux'],
  ['French behind an apostrophe', 'french', 'hotel', 'hôtel'],
  ['French œ as oe', 'french', 'oeuvre', 'œuvres'],
  ['traditional Chinese by simplified', 'chinese', '台湾大学图书馆', '臺灣'],
  ['simplified Chinese by traditional', 'chinese', '合同總金額', '合同总'],
  ['a single Chinese sign', 'chinese', '额', '金额'],
  ['half-width kana by full-width', 'japanese', 'データベース', 'ﾃﾞｰﾀ'],
  ['Japanese within a sentence', 'japanese', '東京タワーの高さは？', '三百三十三'],
  ['Korean without its particle', 'korean', '한강', '한강을'],
  ['Thai words', 'thai', 'หอสมุด', 'หอสมุด'],
  ['Arabic without vowel signs and article', 'arabic', 'مكتبة الاسكندرية', 'الإسكندرية'],
  ['digits of another script', 'arabic', '12500', '١٢٬٥٠٠'],
  ['Hindi words with vowel signs', 'hindi', 'किताबें', 'किताबें'],
  ['Greek by another case', 'greek', 'σύμβαση', 'συμβάσεις'],
]

describe('Field 17: what is asked is found', function () {
  this.timeout(60_000)
  const db = useDatabase()
  let world: FilesWorld
  const ids = new Map<string, string>()
  before(async () => {
    world = await createFilesWorld(db.dataSource)
    const userId = await world.user()
    for (const [language, text] of Object.entries(LIBRARY)) {
      ids.set(language, (await world.upload(userId, `${language}.md`, 'text/markdown', text)).id)
    }
    await world.work()
  })
  after(() => world.close())

  const best = async (language: string, query: string) => {
    const id = ids.get(language) ?? ''
    const [match] = await world.domain.chunks.search([id], query, 5)
    const [chunk] = match ? await world.domain.chunks.texts([match]) : []
    return chunk?.text ?? 'nothing'
  }

  for (const [what, language, query, answer] of QUESTIONS) {
    it(`finds ${what}`, async () => {
      expect(await best(language, query)).to.contain(answer)
    })
  }

  it('stems each file by its own language', async () => {
    const rows: Array<{ name: string; language: string | null }> = await db.dataSource.query(
      `SELECT DISTINCT f.name, c.language FROM file_chunks c JOIN files f ON f.id = c.file_id WHERE c.index > 0 ORDER BY name`,
    )
    const found = Object.fromEntries(rows.map(({ name, language }) => [name.replace('.md', ''), language]))
    expect(found).to.include({
      english: 'english',
      german: 'german',
      russian: 'russian',
      french: 'french',
      arabic: 'arabic',
      hindi: 'hindi',
      greek: 'greek',
    })
    expect(found.polish, 'PostgreSQL has no stemmer for it').to.equal(null)
  })

  it('finds in files of several languages at once', async () => {
    const all = [...ids.values()]
    for (const [query, answer] of [
      ['Haus am Kanal', 'Häuser'],
      ['договор завод', 'договорах'],
      ['图书馆', '圖書館'],
    ] as const) {
      const matches = await world.domain.chunks.search(all, query, 3)
      const texts = await world.domain.chunks.texts(matches)
      expect(texts.map(({ text }) => text).join('\n'), query).to.contain(answer)
    }
  })

  it('indexes anew what an older version indexed', async () => {
    const id = ids.get('german') ?? ''
    await db.dataSource.query(`UPDATE files SET reindex = true WHERE id = $1`, [id])
    await db.dataSource.query(`DELETE FROM file_vocabularies WHERE file_id = $1`, [id])
    await db.dataSource.query(`UPDATE file_chunks SET language = NULL, search = '' WHERE file_id = $1`, [id])
    expect(await best('german', 'Haus')).to.equal('nothing')
    await reconcileFiles({ ...world.domain, maxAttempts: 3, redispatchAfterMs: 60_000 })
    expect(await best('german', 'Haus')).to.contain('Häuser')
    expect(await world.domain.chunks.reindexNext(), 'nothing is left').to.equal(false)
  })

  it('treats a hostile query as words', async () => {
    const all = [...ids.values()]
    for (const query of [
      `'); DROP TABLE files; --`,
      `a'b\\c*d & | ! <-> :*`,
      "x'y*",
      '*',
      '塔*',
      '\u0000',
      '𝕏'.repeat(9_000),
    ]) {
      expect(await world.domain.chunks.search(all, query, 5), query.slice(0, 20)).to.be.an('array')
    }
  })
})

describe('Field 17: databases of any locale answer the same', function () {
  this.timeout(60_000)

  /** The best chunks for some questions on a fresh database that was created with these options. */
  async function answers(options: string): Promise<string[]> {
    const { adminUrl } = await testServer()
    const name = `field_${randomBytes(6).toString('hex')}`
    await runSql(adminUrl, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' ${options}`)
    const url = withDatabase(adminUrl, name)
    try {
      await migrate(url)
      const dataSource = await createDataSource({ url, entities: allEntities, poolSize: 3 }).initialize()
      const world = await createFilesWorld(dataSource)
      try {
        const userId = await world.user()
        const ids: string[] = []
        for (const language of ['english', 'german', 'russian', 'chinese', 'hindi']) {
          ids.push((await world.upload(userId, `${language}.md`, 'text/markdown', LIBRARY[language] ?? '')).id)
        }
        await world.work()
        const found: string[] = []
        for (const query of ['Zephyr Escrow', 'Haus', 'Hauser', 'ДОГОВОР', 'Ёлка', '台湾大学', 'किताबें', 'Kovalczyk']) {
          const [match] = await world.domain.chunks.search(ids, query, 1)
          found.push(`${query}: ${ids.indexOf(match?.fileId ?? '')} ${match?.index} ${match?.score.toFixed(4)}`)
        }
        return found
      } finally {
        await world.close()
        await dataSource.destroy()
      }
    } finally {
      await runSql(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    }
  }

  it('with the letters of C as with those of Unicode', async () => {
    const plain = await answers(`LOCALE 'C' LOCALE_PROVIDER libc`)
    expect(
      plain.every((line) => !line.includes('undefined')),
      plain.join('; '),
    ).to.equal(true)
    expect(await answers(`LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'`)).to.deep.equal(plain)
  })
})

describe('Field 17: text is text', () => {
  it('reads lines that are ended by the separators of Unicode', async () => {
    const { text } = await readInProcess('a.txt', 'text/plain', 'one\u2028two\u2029three\u0085four\u000bfive\ffive')
    expect(text).to.equal('one\ntwo\nthree\nfour\nfive\nfive')
    const json = await readInProcess('a.json', 'application/json', '{"a": "x\u2028y"}')
    expect(json.text).to.equal('{"a": "x\ny"}')
  })

  it('keeps signs beyond the first plane, marks and directions', async () => {
    const signs = 'family 👩‍👩‍👧 𝒳 שלום \u202bمرحبا\u202c é ö'
    expect((await readInProcess('a.txt', 'text/plain', signs)).text).to.equal(signs)
  })
})
