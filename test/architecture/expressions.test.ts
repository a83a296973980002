import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { checkSync, type Diagnostics } from 'recheck'
import { type Expression, readExpressions } from './expressions.ts'

/** Those that were proven linear before, so that only new ones take time. `PROVE=1 npm run test:one -- THIS_FILE` writes it. */
const PROVEN = new URL('./expressions.proven.json', import.meta.url)

const SHORT_SENTENCE = 'The demo model reads one sentence of at most 400 characters with it.'
const OWN_WORDS = 'Between one word and the next it reads the blanks once; it sees what the demo model has composed.'

/** Those that the prover cannot prove, or proves to be slow, and why they may stay: what they read is short, or read once. */
const REVIEWED: Record<string, string> = {
  '/\\/+$/': 'The address that whoever starts the client gives it.',
  '/^(.)\\1*$|secret|changeme|change-me|password|default|example|your[-_]/i':
    "An operator's secret; the back reference is anchored at both ends.",
  '/,(?=\\s*[}\\]])/g': 'What is looked ahead over ends at the next comma, so all is read twice at most.',
  "/^(?:\\[([^\\]\\n]{1,60})\\]:?|\\*\\*([^*\\n]{1,60}):?\\*\\*:?|([\\p{Lu}][\\p{L}\\p{N} .'’()-]{0,59}?):)\\s+/u":
    'Anchored; 60 characters and the blanks behind them.',
  '/^(note|question|topic|debate|discuss|discussion|compare|pros|cons|example|context|task|goal|summary|ps|p\\.s\\.|warning|hint|background|idea|problem|answer|re|fw|todo|option [a-z0-9]|step \\d+)$/i':
    'Words, anchored, on a label of at most 60 characters.',
  "/\\byou are (?:an? (?:ai )?(?:agent|assistant|participant|person) (?:named|called) )?[\"“*]{0,2}(\\p{Lu}[\\p{L}\\p{N}'’-]*(?: \\p{Lu}[\\p{L}\\p{N}'’-]*){0,3})/iu":
    'Begins with words; at most four words follow, which exclude the blanks between them.',
  '/\\b(?:your )?name(?: is|:)\\s*["“*]{0,2}(\\p{Lu}[\\p{L}\\p{N} \'’-]{0,40})/iu':
    'Begins with words; the blanks behind them are read once, and at most 43 characters.',
  '/\\s+(?:for|to|when|if|because|instead|rather|before|after|by|in|at|on|with|without|as|since|while|than|or|next|this|today|now|tonight|tomorrow)\\s.*$|\\s+(?:now|today|tonight|tomorrow|yet|again|at all|anyway)$/i':
    SHORT_SENTENCE,
  "/^(?:(?:so|well|ok|okay|hey|hi|hello|please|and|but)\\b,? )*(?:(?:do you (?:think|believe|agree)|i wonder|tell me|let us discuss|let['’]s discuss|discuss)(?: that| whether| if)? (?!about\\b))?/i":
    SHORT_SENTENCE,
  '/^(?:.*?\\b(?:better|best|prefer|choose|pick|between|use|buy|learn|adopt|take|get|be|is|are|want)\\b[:,]? )?(.{2,50}?),? (?:or|versus|vs\\.?|better than|worse than) (.{2,50})$/i':
    SHORT_SENTENCE,
  '/^(?:should|is|are|do|would|which|what)\\b.*? (?=\\S+$)|^(?:is|are|should|between|a choice of) /i': SHORT_SENTENCE,
  '/\\s+(?:better|best|cheaper|nicer)$/i': SHORT_SENTENCE,
  '/\\s+(?:worth|worthwhile|overrated|dead|useful|the future|important|possible|ethical|real|so|still|really|exist)\\b.*$|\\s+(?:a )?(?:good|bad)(?: idea| thing| choice| for .*)?$/i':
    SHORT_SENTENCE,
  '/(?:characteristics?|character|personality|traits):(.*)/':
    'The first place that fits is the answer; the rest of its line is read once.',
  '/\\b(I|you|we|they) would\\b(?! *[^\\w ]| *$)/gi': OWN_WORDS,
  '/\\b(it|that|there|who|what|nobody) is\\b(?! *[^\\w ]| *$)/gi': OWN_WORDS,
  '/\\bI am\\b(?! *[^\\w ]| *$)/g': OWN_WORDS,
  '/\\bI have\\b(?! *[^\\w ]| *$)/g': OWN_WORDS,
  '/\\b(I|you|we|it) will\\b(?! *[^\\w ]| *$)/gi': OWN_WORDS,
  '/[.!?\\u3002\\uff01\\uff1f](?=\\s|$)\\s*|[\\u3002\\uff01\\uff1f]/g':
    'One sign is looked ahead; what follows is read and left behind.',
  '/"(application\\/vnd\\.oasis\\.opendocument\\.[a-z-]+)"/': 'The first 4,000 characters of a list of parts.',
  '/^\\s*<\\?xml[^>]{0,200}?\\sencoding\\s{0,9}=\\s{0,9}["\']([\\w.:-]{2,40})/i':
    "A file's first bytes, anchored, with counted repetitions.",
}

/** Where expressions are made of strings, how many, and of what. */
const MADE: Record<string, [count: number, of: string]> = {
  'src/connections/demo/demo-reader.ts': [2, 'lists of words of its own, for one sentence of at most 400 characters'],
  'src/connections/demo/demo-writer.ts': [1, 'a word of its own; at most two words stand between it and the next'],
  'src/connections/dialects/calls-spoken-of.ts': [
    1,
    'escaped names of tools, one or the other; blanks are read behind a colon, a quote or a name, once each',
  ],
  'src/connections/dialects/thoughts.ts': [1, 'escaped literals, one or the other'],
  'src/storage/search-terms.ts': [1, 'one class of signs'],
}

const verdictOf = ({ pattern, flags }: Expression): Diagnostics =>
  checkSync(pattern, flags, { checker: 'automaton', timeout: 30_000 })

describe('Regular expressions', function () {
  this.timeout(300_000)
  const { expressions, made } = readExpressions('src', 'workers')
  const known = new Set<string>(JSON.parse(readFileSync(PROVEN, 'utf8')))

  before(() => {
    // The prover in JavaScript, in this process: no other program, no network.
    process.env.RECHECK_BACKEND = 'pure'
  })

  it('are linear in what they read, as is proven of them, or are reviewed', () => {
    const isProving = process.env.PROVE === '1'
    const open = expressions.filter(({ text }) => !(text in REVIEWED) && (isProving || !known.has(text)))
    const verdicts = open.map((expression) => ({ ...expression, verdict: verdictOf(expression) }))
    const bad = verdicts.filter(({ verdict }) => verdict.status !== 'safe')
    if (isProving) {
      const safe = verdicts.filter(({ verdict }) => verdict.status === 'safe').map(({ text }) => text)
      writeFileSync(PROVEN, `${JSON.stringify([...new Set(safe)].sort(), null, 2)}\n`)
    }
    expect(
      bad.map(
        ({ place, text, verdict }) =>
          `${place} ${text}: ${verdict.status === 'vulnerable' ? verdict.complexity.summary : verdict.status}`,
      ),
      'Text from outside meets linear code only: CONTRIBUTING, Habits.',
    ).to.deep.equal([])
  })

  it('are found out when they are slow', () => {
    const slow = ['(a+)+$', '\\s+$', '^(?:\\s*x?\\s*)+:', '<(?:.*)>x'].map((pattern) =>
      verdictOf({ place: '', pattern, flags: '', text: '' }),
    )
    expect(slow.map(({ status }) => status)).to.deep.equal(['vulnerable', 'vulnerable', 'vulnerable', 'vulnerable'])
  })

  it('are made of strings only where that is reviewed', () => {
    const expected = Object.fromEntries(Object.entries(MADE).map(([path, [count]]) => [path, count]))
    expect(Object.fromEntries(made)).to.deep.equal(expected)
  })

  it('are reviewed only while they exist', () => {
    const texts = new Set(expressions.map(({ text }) => text))
    expect(Object.keys(REVIEWED).filter((text) => !texts.has(text))).to.deep.equal([])
  })
})
