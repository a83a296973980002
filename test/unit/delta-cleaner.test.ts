import { expect } from 'chai'
import { DeltaCleaner } from '../../workers/agent-runtime/delta-cleaner.ts'
import { expectLinear } from '../field/growth.ts'

/** What is shown of a speech that comes in these pieces, piece by piece, the end last. */
function show(name: string, ...pieces: string[]): { shown: string[]; text: string; passed: boolean } {
  const cleaner = new DeltaCleaner(name)
  const shown = pieces.map((piece) => cleaner.push(piece))
  shown.push(cleaner.end())
  return { shown, text: cleaner.text, passed: cleaner.passed }
}

describe('A speech as it streams', () => {
  it("loses the speaker's own name at its front, however it is dressed and cut", () => {
    for (const front of ['Ada: ', 'ada:', '**Ada:** ', '*Ada*: ', '"Ada": ', '\n Ada : ', '__Ada__:\n'])
      expect(show('Ada', `${front}Hello.`).text, front).to.equal('Hello.')
    expect(show('Ada', ...'**Ada:** Hello.').text).to.equal('Hello.')
    expect(show('Ada', 'A', 'd', 'a', ':', ' ', 'Hel', 'lo.').shown.join('')).to.equal('Hello.')
    expect(show('C++ (expert)', 'C++ (expert): Yes.').text, 'a name is no pattern').to.equal('Yes.')
    expect(show('Zoë', 'ZOË: Yes.').text).to.equal('Yes.')
  })

  it('keeps everything else as it is', () => {
    const kept = [
      'Ada thinks so.',
      'Adaptation: a word.',
      'Blaise: no.',
      'I, Ada: yes.',
      '* a list\n* of two',
      'Ada',
      ':)',
      '12:30',
    ]
    for (const text of kept) expect(show('Ada', text).text, text).to.equal(text)
    for (const text of kept) expect(show('Ada', ...text).text, `${text}, letter by letter`).to.equal(text)
    const later = 'Well. Ada: that is me. [pass]'
    expect(show('Ada', later).text).to.equal(later)
  })

  it('shows words at once when they cannot be a name, and holds back no more than a name needs', () => {
    expect(show('Ada', 'Hello', ' there').shown).to.deep.equal(['Hello', ' there', ''])
    expect(show('Ada', 'A', 'lso').shown).to.deep.equal(['', 'Also', ''])
    const cleaner = new DeltaCleaner('Ada')
    let shown = ''
    for (let i = 0; i < 100 && shown === ''; i++) shown += cleaner.push('*')
    expect(shown.length, 'endless markup is let go').to.be.within(1, 40)
  })

  it('shows exactly what is stored', () => {
    for (const pieces of [['Ada: ', 'Hello ', 'you.'], ['  Hello'], ['Ad', 'am said'], ['a\0b', '\0c']]) {
      const { shown, text } = show('Ada', ...pieces)
      expect(shown.join('')).to.equal(text)
    }
  })

  it('loses NUL characters, which the database cannot store', () => {
    expect(show('Ada', '\0Hel\0lo', ' \0', 'you').text).to.equal('Hello you')
  })

  it('that is a pass is one, and shows nothing', () => {
    const passes = [
      ['[pass]'],
      ['[PASS]'],
      [' [pass]. '],
      ['[pa', 'ss]'],
      [...'[pass]'],
      ['[pass]', '\n'],
      ['Ada: [pass]'],
      ['**Ada:** ', '[pass]'],
    ]
    for (const pieces of passes) {
      const { shown, text, passed } = show('Ada', ...pieces)
      expect({ passed, shown: shown.join('').trim(), text: text.trim() }, pieces.join('|')).to.deep.equal({
        passed: true,
        shown: '',
        text: '',
      })
    }
  })

  it('that only mentions a pass is none', () => {
    for (const text of ['[pass] the salt', '[pass] [pass]', 'I [pass]', 'pass', '[passing]', ''])
      expect(show('Ada', text), text).to.deep.include({ passed: false, text })
  })

  it('is cleaned in time that grows with its length, whatever a provider sends', () => {
    expectLinear((n) => show('Ada', `${' *'.repeat(n)}x`), 'markup')
    expectLinear((n) => show('Ada', `Ada${' '.repeat(n)}x`), 'blanks behind the name')
  })
})
