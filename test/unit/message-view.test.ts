import { expect } from 'chai'
import { presentMessage } from '../../src/conversations/conversation.presenter.ts'
import type { ShownMessage } from '../../src/conversations/message.entity.ts'
import { presentToolCall } from '../../src/tools/tool-call.presenter.ts'

const at = new Date('2026-01-01T00:00:00.000Z')
const call = presentToolCall({
  id: 'c',
  call: 0,
  step: 0,
  name: 'add',
  sourceName: 'add',
  title: 'Add',
  status: 'done',
  args: {},
  result: '5',
  errorCode: null,
  files: null,
  inheritedFrom: null,
  attempt: 1,
  startedAt: at,
  endedAt: at,
  offset: 'I add.'.length,
})
const said = (part: Pick<ShownMessage, 'content' | 'isData' | 'status'>): ShownMessage => ({
  id: 'm',
  conversationId: 'v',
  seq: 1,
  role: 'agent',
  agentId: 'a',
  agentName: 'Ada',
  runId: 'r',
  turn: 0,
  fileIds: [],
  createdAt: at,
  feedback: null,
  feedbackComment: null,
  toolCalls: [call],
  ...part,
})
const offsetIn = (part: Parameters<typeof said>[0]) => presentMessage(said(part)).toolCalls?.[0]?.offset

describe('Calls of tools in a message', () => {
  it('stand where its words have come to; before all of an answer in a form, of which the words before it are no part', () => {
    expect(offsetIn({ content: 'I add.\n\nIt is 5.', isData: false, status: 'complete' })).to.equal(6)
    expect(offsetIn({ content: '{"sum": 5}', isData: true, status: 'complete' })).to.equal(0)
    // It came to no answer: what was said is there.
    expect(offsetIn({ content: 'I add.', isData: true, status: 'cancelled' })).to.equal(6)
  })
})
