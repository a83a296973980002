import { expect } from 'chai'
import { z } from 'zod'
import { joinNeighbours } from '../../workers/agent-runtime/prompts.ts'
import type { WireReply, WireRequest } from '../support/wire-server.ts'
import { useField } from './field-world.ts'
import { alternates, E, good, refused } from './wires.ts'

const invalid = (message: string, status = 400): WireReply =>
  refused(status, message, { type: 'invalid_request_error', param: null, code: null })
const ALTERNATE =
  'Conversation roles must alternate user/assistant/user/assistant/... (after the optional system message)'

/** As the templates of Mistral's models are. */
const strict = (request: WireRequest): WireReply | undefined => (alternates(request) ? undefined : invalid(ALTERNATE))
const learntOf = z.object({ learnt: z.array(z.object({ model: z.string(), notes: z.array(z.string()) })) })

describe('Field 4: strict chat templates', function () {
  this.timeout(30_000)
  const field = useField()
  const learntBy = async (user: { get: (path: string) => Promise<{ body: unknown }> }, agentId: string) => {
    const { connectionId } = z
      .object({ connectionId: z.string() })
      .parse((await user.get(`/api/agents/${agentId}`)).body)
    return { connectionId, learnt: learntOf.parse((await user.get(`/api/connections/${connectionId}`)).body).learnt }
  }

  it('a party of three goes through a strict template', async () => {
    const outcome = await field.party((request) => strict(request) ?? good(`Word ${request.n}.`), {
      names: ['Ada', 'Otto', 'Clara'],
      maxTurns: 6,
    })
    expect(outcome.run).to.deep.include({ status: 'completed', stopReason: 'max_turns' })
    expect(outcome.said).to.have.length(6)
    expect(outcome.requests).to.have.length(6)
  })

  it("a speaker's own words in a row are one message, a blank line between, also when they are equal", async () => {
    const words = ['One.', '[pass]', 'Two.', '[pass]', 'Yes.', '[pass]', 'Yes.', '[pass]', 'End.']
    const outcome = await field.party(({ n }) => good(words[n] ?? '[pass]'), { maxTurns: 9 })
    const said = outcome.requests.map(({ messages }) =>
      messages.filter(({ role }) => role === 'assistant').map(({ text }) => text),
    )
    expect(said[4]).to.deep.equal(['One.\n\nTwo.'])
    expect(said[8]).to.deep.equal(['One.\n\nTwo.\n\nYes.\n\nYes.'])
  })

  it('one agent goes on after its own words: the conversation still ends with the user', async () => {
    const outcome = await field.ask((request) => strict(request) ?? good('Tea.'))
    expect(outcome.answer).to.equal('Tea.')
    expect(outcome.requests).to.have.length(1)
  })

  for (const [what, message, status] of [
    ["Gemma's template", 'System role not supported', 400],
    ['llama.cpp', 'Value is not callable: System role not supported', 500],
    ['vLLM', 'System role is not supported at line 1', 400],
    ['Google', 'Developer instruction is not enabled for models/gemma-3-27b-it', 400],
    ['an alternation that counts the system message', ALTERNATE, 400],
  ] as const) {
    it(`no system role, as ${what} says it: once more with its text before the first user message, and remembered`, async () => {
      const script = (request: WireRequest) =>
        request.messages[0]?.role === 'system'
          ? invalid(message, status)
          : (strict(request) ?? good(`Word ${request.n}.`))
      const outcome = await field.party(script, { maxTurns: 4 })
      expect(outcome.run.status).to.equal('completed')
      expect(outcome.said).to.have.length(4)
      // One refusal in four turns.
      expect(outcome.requests).to.have.length(5)
      expect(outcome.requests[1]?.messages[0]?.role).to.equal('user')
      expect(outcome.requests[1]?.messages[0]?.text).to.match(/^You are Ada\.[\s\S]*\n\nUser: Tea or coffee\?/)
      const { learnt, connectionId } = await learntBy(outcome.user, outcome.agentIds[0] ?? '')
      expect(learnt).to.deep.equal([
        { model: 'm', notes: ['Takes no system message: the instructions go before the first user message.'] },
      ])
      const changed = await outcome.user.put(`/api/connections/${connectionId}`, { model: 'another' })
      expect(learntOf.parse(changed.body).learnt).to.deep.equal([])
    })
  }

  it('a refusal that comes within a 200 teaches the same', async () => {
    const error = E(
      { error: { message: 'Error rendering prompt with jinja template: System role not supported' } },
      'error',
    )
    const outcome = await field.ask(({ messages }) => (messages[0]?.role === 'system' ? error : good('Tea.')))
    expect(outcome.answer).to.equal('Tea.')
    expect(outcome.requests).to.have.length(2)
  })

  it('google: the same on its wire', async () => {
    const refusal = JSON.stringify({
      error: {
        code: 400,
        message: 'Developer instruction is not enabled for models/gemma-3-27b-it',
        status: 'INVALID_ARGUMENT',
      },
    })
    const script = ({ body }: WireRequest): WireReply =>
      body.systemInstruction === undefined
        ? { pieces: [E({ candidates: [{ content: { parts: [{ text: 'Tea.' }] }, finishReason: 'STOP' }] })] }
        : { status: 400, body: refusal }
    const outcome = await field.ask(script, { provider: 'google' })
    expect(outcome.answer).to.equal('Tea.')
    expect(outcome.requests).to.have.length(2)
  })

  it('openai: a developer role that a gateway does not know becomes system', async () => {
    const script = (request: WireRequest) =>
      request.messages.some(({ role }) => role === 'developer')
        ? invalid("Unexpected role 'developer': must be one of 'system', 'user', 'assistant'")
        : good('Tea.')
    const outcome = await field.ask(script, { provider: 'openai', agent: { model: 'gpt-5-mini' } })
    expect(outcome.answer).to.equal('Tea.')
    expect(outcome.requests.map(({ messages }) => messages[0]?.role)).to.deep.equal(['developer', 'system'])
  })

  it('a server that refuses whatever it is sent is not asked for ever', async () => {
    const outcome = await field.ask(() => invalid('System role not supported'))
    expect(outcome.run.error?.code).to.equal('provider.bad_request')
    expect(outcome.requests).to.have.length(2)
  })

  it('joined messages keep their pictures, and what went in is not changed', () => {
    const picture = { contentType: 'image/png', data: new Uint8Array([1]) }
    const messages = [
      { role: 'user' as const, content: 'a' },
      { role: 'user' as const, content: 'b', images: [picture] },
      { role: 'assistant' as const, content: 'c' },
      { role: 'user' as const, content: 'd', images: [picture] },
      { role: 'user' as const, content: 'e', images: [picture] },
    ]
    expect(joinNeighbours(messages)).to.deep.equal([
      { role: 'user', content: 'a\n\nb', images: [picture] },
      { role: 'assistant', content: 'c' },
      { role: 'user', content: 'd\n\ne', images: [picture, picture] },
    ])
    expect(messages[0]).to.deep.equal({ role: 'user', content: 'a' })
  })
})
