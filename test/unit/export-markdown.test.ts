import { expect } from 'chai'
import { inline, quoted } from '../../src/export/markdown.ts'

describe('A conversation as Markdown', () => {
  it('has every line of a message in its quotation, whatever ends it', () => {
    const text = 'one\ntwo\r\nthree\rfour\n\n# five\n---\n```\nsix'
    for (const line of quoted(text).split('\n')) expect(line).to.match(/^>( |$)/)
    expect(quoted(text)).to.equal('> one\n> two\n> three\n> four\n>\n> # five\n> ---\n> ```\n> six')
  })

  it('begins no HTML', () => {
    expect(quoted('<!-- a\n</div> <Script> <?php <![CDATA[ 1 < 2 <3')).to.equal(
      '> &lt;!-- a\n> &lt;/div> &lt;Script> &lt;?php &lt;![CDATA[ 1 < 2 <3',
    )
  })

  it('defines no links for others, over one line or two', () => {
    expect(quoted('[Ada]: https://example.com\n- [x\ny]: z')).to.equal(
      '> \\[Ada]: https://example.com\n> - \\[x\n> y]: z',
    )
    expect(quoted('[a link](b) and x[0]')).to.equal('> [a link](b) and x[0]')
  })

  it('names people and titles as they are written', () => {
    expect(inline('*A_da* [x](y) <b>\n# 1.')).to.equal('\\*A\\_da\\* \\[x\\]\\(y\\) \\<b\\> \\# 1\\.')
  })
})
