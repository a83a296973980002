import { expect } from 'chai'
import { readHtml } from '../../workers/file-parsing/html-reader.ts'
import { cost } from '../field/growth.ts'

describe('The text of a page', () => {
  const ENDS = '</p>'.repeat(60_000)
  const read = (html: string) => [...readHtml(html)].map(({ text }) => text.trim()).join('\n')

  it('takes no longer where ends of what was never begun stand deep in others', async () => {
    const flat = await cost(3, () => read(ENDS))
    const deep = await cost(3, () => read(`${'<b>'.repeat(600)}${ENDS}`))
    expect(deep, `${flat.toFixed(1)} ms, then ${deep.toFixed(1)} ms`).to.be.lessThan(Math.max(20, flat) * 4)
  })

  it('is the same whatever is ended', () => {
    expect(read('<div>one<p>two</b></div>three</p></div><p>four</P>five')).to.equal('one\ntwo\n\nthree\nfour\nfive')
  })
})
