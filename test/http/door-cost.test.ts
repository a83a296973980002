import { expect } from 'chai'
import OpenAI from 'openai'
import { QUIET, said, useStatementCounter } from '../support/statement-counter.ts'
import { usePartyWorld } from '../workers/party-world.ts'

/** With all that its turn takes, the worker's statements too. */
const GOES_ON_STATEMENTS = 13
/** It looks for the conversation of the history, too. */
const BEGINS_STATEMENTS = 22

describe('What a request at a door costs in round trips', () => {
  const counter = useStatementCounter()
  const world = usePartyWorld({ env: QUIET })

  it(`at most ${GOES_ON_STATEMENTS} in a conversation that goes on, ${BEGINS_STATEMENTS} with a history of any length`, async () => {
    world.llm.reply('A measured answer.')
    const { user, agentIds } = await world.guests(['Ada'])
    const client = new OpenAI({ baseURL: `${world.app.url}/v1`, apiKey: user.token })
    const ask = (lines: number): OpenAI.ChatCompletionMessageParam[] =>
      Array.from({ length: lines }, (_, n) => ({ role: n % 2 === 0 ? 'user' : 'assistant', content: `Line ${n}.` }))
    const model = `agent:${agentIds[0]}`
    const { response } = await client.chat.completions.create({ model, messages: ask(1) }).withResponse()
    const headers = { 'X-Conversation-Id': response.headers.get('x-conversation-id') ?? '' }
    const during = (lines: number, options = {}) =>
      counter.during(async () => {
        await client.chat.completions.create({ model, messages: ask(lines) }, options)
      })
    const on = await during(1, { headers })
    expect(on.statements.length, said(on)).to.be.at.most(GOES_ON_STATEMENTS)
    for (const lines of [3, 151]) {
      const anew = await during(lines)
      expect(anew.statements.length, said(anew)).to.be.at.most(BEGINS_STATEMENTS)
    }
  })
})
