import { expect } from 'chai'
import { PROMPT_VERSION } from '../../workers/agent-runtime/prompts.ts'
import type { MockProvider, MockRequest } from '../support/mock-llm.ts'
import { usePartyWorld } from './party-world.ts'

const PROVIDERS = ['openai', 'anthropic', 'google'] as const satisfies MockProvider[]
const MODELS = { openai: 'gpt-5-mini', anthropic: 'claude-haiku-4-5', google: 'gemini-2.5-flash' }
/** What each wire calls the speaker itself. */
const OWN = { openai: 'assistant', anthropic: 'assistant', google: 'model' }

/** Neighbouring messages of one role as one: Anthropic and Gemini get them so, OpenAI one by one. */
function joined({ messages }: MockRequest): Array<[string, string]> {
  const all: Array<[string, string]> = []
  for (const { role, text } of messages) {
    const last = all.at(-1)
    if (last?.[0] === role) last[1] += text
    else all.push([role, text])
  }
  return all
}

describe('What goes over the wire', () => {
  const world = usePartyWorld({ env: { CONTEXT_TOKEN_BUDGET: '200' } })

  /** Requests of speakers: the minutes of the conversation of the test before may be asked for late. */
  const spoken = () => world.llm.requests.filter(({ system }) => system.startsWith('You are'))

  for (const provider of PROVIDERS) {
    const guests = async (names: string[]) => {
      const user = await world.app.api.register()
      const connection = { provider, model: MODELS[provider], baseUrl: world.llm.baseUrl(provider) }
      return { user, agentIds: await user.agentsOn(connection, names) }
    }

    it(`${provider}: identity and room as the system prompt, others by name as the user, own words as one's own, in order`, async () => {
      const { user, agentIds } = await guests(['Ada', 'Blaise'])
      world.llm.reply({ text: () => `Answer ${spoken().length}.` })
      const { runId } = await user.accept('/api/chat/multi-agent', { agentIds, message: 'Tea or coffee?', maxTurns: 4 })
      await user.finished(runId)
      const request = spoken()[3]
      if (!request) throw new Error('no fourth request')
      expect(request.system).to.match(/^You are Blaise\.\nYou are Blaise of the test\.\n/)
      expect(request.system).to.contain('\n- Ada: You are Ada of the test.\n')
      expect(request.system).not.to.contain('- Blaise:')
      expect(joined(request)).to.deep.equal([
        ['user', 'User: Tea or coffee?\n\nAda: Answer 1.'],
        [OWN[provider], 'Answer 2.'],
        ['user', 'Ada: Answer 3.\n\n(It is your turn, Blaise.)'],
      ])
      const [turn] = await world.app.container.db.query('SELECT prompt_version FROM turns WHERE run_id = $1', [runId])
      expect(turn.prompt_version).to.equal(PROMPT_VERSION)
    })

    it(`${provider}: a name before the words is taken off; a transcript too long begins later, and with the user`, async () => {
      const { user, agentIds } = await guests(['Ada'])
      const long = 'Much to say about it. '.repeat(12)
      world.llm.reply({ text: `Ada: ${long}` })
      let conversationId: string | undefined
      for (const message of ['First?', 'Second?', 'Third?', 'Fourth?']) {
        const accepted = await user.accept('/api/chat', { agentId: agentIds[0], message, conversationId })
        await user.finished(accepted.runId)
        conversationId = accepted.conversationId
      }
      const messages = await user.messages(conversationId ?? '')
      expect(messages[1]?.content.trimEnd()).to.equal(long.trimEnd())
      const request = world.llm.requests.findLast(({ system }) => system.startsWith('You are Ada'))
      if (!request) throw new Error('no request')
      const sent = joined(request)
      expect(sent[0]?.[0]).to.equal('user')
      expect(sent.at(-1)).to.deep.equal(['user', 'Fourth?'])
      expect(sent.map(([, text]) => text).join(' ')).not.to.contain('First?')
      expect(sent.map(([, text]) => text).join(' ').length).to.be.lessThan(200 * 4)
    })
  }
})
