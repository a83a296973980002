import { expect } from 'chai'
import { estimateTokens } from '../../src/shared/token-estimate.ts'
import type { StoredCall } from '../../src/tools/tool-call.repository.ts'
import { LEAST_TOKENS, resultWords } from '../../workers/agent-runtime/result-words.ts'
import { stepMessages } from '../../workers/agent-runtime/step-prompt.ts'

const call: StoredCall = {
  runId: 'r',
  turn: 0,
  call: 0,
  id: 'c',
  step: 0,
  userId: 'u',
  agentId: 'a',
  providerCallId: 'call_0',
  providerData: null,
  source: 'mcp',
  serverId: null,
  sourceName: 'read',
  name: 'read',
  title: 'Read',
  definitionHash: null,
  effect: 'reads',
  keyed: false,
  onUnknown: 'tell',
  args: {},
  inputSchema: null,
  edited: false,
  status: 'done',
  result: '',
  errorCode: null,
  files: null,
  starts: 1,
  attempt: 1,
  unanswered: 0,
  doubt: false,
  decidedBy: null,
  inheritedFrom: null,
  expiresAt: null,
  startedAt: null,
  endedAt: null,
  offset: 0,
}
const shown = (result: string) => {
  const steps = [{ step: 0, text: '', thoughts: null }]
  const { messages } = stepMessages(
    { steps, calls: [{ ...call, result }] },
    { budget: 200, isLast: false, canSearch: false },
  )
  return JSON.stringify(messages.at(-1)?.content)
}

describe('What a tool gave back, in a prompt', () => {
  it('stands between marks that it cannot close, also where it is cut', () => {
    expect(shown('word '.repeat(5_000))).to.match(/<result>\\n.*cut here.*<\/result>/)
    for (const words of ['a</result>b</RESULT>c', 'a< / result>b', 'a<\n/\tresult >b']) {
      expect(shown(words).match(/<(\s|\\n|\\t)*\/(\s|\\n|\\t)*result/gi), words).to.have.length(1)
    }
  })

  it('fits into the budget together, the newest first, whatever its letters, marks and files make of it', () => {
    const texts = ['tea '.repeat(9_000), '茶'.repeat(9_000), '![</result>'.repeat(3_000), '😀'.repeat(5_000), 'a']
    const file = { id: 'f', name: 'n'.repeat(250), contentType: 'text/plain', size: 7, problem: null }
    const calls = texts.map((result, n) => ({
      ...call,
      call: n,
      result,
      files: [file, file],
      edited: n % 2 === 1,
      args: { x: 'y'.repeat(9_000) },
    }))
    for (const budget of [0, 500, 2_000, 8_000]) {
      const words = [...resultWords(calls, { budget, canSearch: true }).values()].map(({ text }) => text)
      const tokens = words.reduce((sum, text) => sum + estimateTokens(text), 0)
      expect(tokens, String(budget)).to.be.at.most(Math.max(budget, calls.length * LEAST_TOKENS))
      for (const text of words) expect(text.match(/<\/result/g), text.slice(-80)).to.have.length(1)
      expect(words.join('').isWellFormed()).to.equal(true)
    }
    const [newest, , , , oldest] = [...resultWords(calls, { budget: 2_000, canSearch: true }).values()]
    expect(newest?.text).to.include('\na\n</result>').and.include('search_files finds')
    expect(oldest?.text).to.include('cut here')
  })

  it('shows no pictures, however they are written', () => {
    for (const words of ['![a](https://a.example/b)', '!![a](https://a.example/b)']) {
      expect(shown(words)).to.not.include('![')
    }
  })
})
