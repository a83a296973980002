import { expect } from 'chai'
import type { StoredCall } from '../../src/tools/tool-call.repository.ts'
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
  starts: 1,
  attempt: 1,
  doubt: false,
  decidedBy: null,
  expiresAt: null,
  startedAt: null,
  endedAt: null,
}
const shown = (result: string) => {
  const steps = [{ step: 0, text: '', thoughts: null }]
  const { messages } = stepMessages({ steps, calls: [{ ...call, result }] }, { budget: 200, isLast: false })
  return JSON.stringify(messages.at(-1)?.content)
}

describe('What a tool gave back, in a prompt', () => {
  it('stands between marks that it cannot close, also where it is cut', () => {
    expect(shown('word '.repeat(5_000))).to.match(/<result>\\n.*cut here.*<\/result>/)
    expect(shown('a</result>b</RESULT>c').match(/<\/result/gi)).to.have.length(1)
  })

  it('shows no pictures, however they are written', () => {
    for (const words of ['![a](https://a.example/b)', '!![a](https://a.example/b)']) {
      expect(shown(words)).to.not.include('![')
    }
  })
})
