import { expect } from 'chai'
import { z } from 'zod'
import { languageModel } from '../../src/connections/provider-factory.ts'
import type { WireReply } from '../support/wire-server.ts'
import { type Script, useField, type WireProvider } from './field-world.ts'
import { A, alternates, C, completion, D, E, F, GOOGLE_USAGE, good, refused, U } from './wires.ts'

/** A call on OpenAI's wire, as most write it. */
const call = (more: object = {}, fn: object = {}) => ({
  index: 0,
  id: 'call_a',
  type: 'function',
  function: { name: 'calculator', arguments: '{"expression":"6*7"}', ...fn },
  ...more,
})
const calls = (...all: object[]) => C({ tool_calls: all })
const END = `${F('tool_calls')}${U}${D}`

/** Gemini's, of parts. */
const parts = (...all: object[]) =>
  E({
    candidates: [{ content: { role: 'model', parts: all }, finishReason: 'STOP', index: 0 }],
    usageMetadata: GOOGLE_USAGE,
  })

describe('Field 23: calls of tools, as servers write them', function () {
  this.timeout(30_000)
  const field = useField()
  const agent = { tools: [{ name: 'calculator' }, { name: 'current_time' }] }

  /** Asked with tools: these answers, one a request, then `Done.`. */
  const ask = async (replies: Array<WireReply | string | Script>, provider: WireProvider = 'openai-compatible') => {
    const done: Record<string, string> = {
      anthropic: [A.start, A.block, A.text('Done.'), A.blockEnd, A.end(), A.stop].join(''),
      google: parts({ text: 'Done.' }),
    }
    const outcome = await field.ask(
      (request) => {
        const reply = replies[request.n] ?? done[provider] ?? good('Done.')
        return typeof reply === 'function' ? reply(request) : reply
      },
      { provider, agent },
    )
    const last = (await outcome.user.messages(outcome.conversationId)).at(-1)
    return { ...outcome, calls: (last?.toolCalls ?? []).map(({ name, result, status }) => [name, result ?? status]) }
  }
  const ONE = [['calculator', '42']]
  const TWO = [
    ['calculator', '42'],
    ['calculator', '2'],
  ]
  const second = { name: 'calculator', arguments: '{"expression":"1+1"}' }

  const SIX = ['6*7']
  const BOTH = ['6*7', '1+1']
  const WAYS: Array<[what: string, answer: string | WireReply, expressions: string[], provider?: WireProvider]> = [
    ['in one piece, ended by stop', `${calls(call())}${F('stop')}${U}${D}`, SIX],
    ['of arguments that are an object', `${calls(call({}, { arguments: { expression: '6*7' } }))}${END}`, SIX],
    [
      'of arguments that are sign by sign',
      `${[...'{"expression":"6*7"}'].map((sign, i) => calls(i === 0 ? call({}, { arguments: sign }) : { index: 0, function: { arguments: sign } })).join('')}${END}`,
      SIX,
    ],
    ['without an id', `${calls(call({ id: undefined }))}${END}`, SIX],
    ['without an index', `${calls(call({ index: undefined }))}${END}`, SIX],
    [
      'two of one index, each with its id',
      `${calls(call())}${calls(call({ id: 'call_b', function: second }))}${END}`,
      BOTH,
    ],
    [
      'two of one index and no id',
      `${calls(call({ id: '' }))}${calls(call({ id: '', function: second }))}${END}`,
      BOTH,
    ],
    ['two of one id', `${calls(call())}${calls(call({ index: 1, function: second }))}${END}`, BOTH],
    [
      'two in one piece',
      `${calls(call({ index: undefined }), call({ index: undefined, id: 'call_b', function: second }))}${END}`,
      BOTH,
    ],
    [
      'with the name and id in every piece',
      `${calls(call({}, { arguments: '{"expression":' }))}${calls(call({}, { arguments: '"6*7"}' }))}${END}`,
      SIX,
    ],
    [
      'with an empty name in every later piece',
      `${calls(call({}, { arguments: '' }))}${calls({ index: 0, id: '', function: { name: '', arguments: '{"expression":"6*7"}' } })}${END}`,
      SIX,
    ],
    [
      'whole, although a stream was asked for',
      { body: completion({ content: null, tool_calls: [call()] }), type: 'application/json' },
      SIX,
    ],
    [
      "in OpenAI's first way",
      `${C({ function_call: { name: 'calculator', arguments: '{"expression":"6*7"}' } })}${F('function_call')}${U}${D}`,
      SIX,
    ],
    [
      "over Anthropic's wire, whole at its block's start",
      [
        A.start,
        E(
          {
            type: 'content_block_start',
            index: 0,
            content_block: { type: 'tool_use', id: 'toolu_1', name: 'calculator', input: { expression: '6*7' } },
          },
          'content_block_start',
        ),
        A.blockEnd,
        A.end('tool_use'),
        A.stop,
      ].join(''),
      SIX,
      'anthropic',
    ],
    [
      "over Gemini's wire, without ids",
      parts(
        { functionCall: { name: 'calculator', args: { expression: '6*7' } } },
        { functionCall: { name: 'calculator', args: { expression: '1+1' } } },
      ),
      BOTH,
      'google',
    ],
  ]
  /** The calls that the model of a connection, with its provider's SDK, reads of an answer. */
  const readOf = async (
    answer: string | WireReply,
    provider: WireProvider = 'openai-compatible',
    more: object = {},
  ) => {
    field.server.script(() => answer)
    const { baseUrl, model } = field.connectionTo(provider)
    const { stream } = await languageModel({ provider, baseUrl, apiKey: 'test-key' }, model, { fetch }).doStream({
      prompt: [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }] }],
      tools: [{ type: 'function', name: 'calculator', inputSchema: { type: 'object' } }],
      ...more,
    })
    const read: Array<[name: string, input: string]> = []
    for await (const part of stream) {
      if (part.type === 'error') throw part.error
      if (part.type === 'tool-call') read.push([part.toolName, part.input])
    }
    return read
  }
  for (const [what, answer, inputs, provider] of WAYS) {
    it(`a call ${what}`, async () => {
      const read = await readOf(answer, provider)
      expect(read.map(([name, input]) => [name, JSON.parse(input).expression])).to.deep.equal(
        inputs.map((expression) => ['calculator', expression]),
      )
    })
  }

  it('arguments that are empty, null, none or an empty object are none', async () => {
    for (const args of ['', null, undefined, {}]) {
      const [[name, input = ''] = []] = await readOf(`${calls(call({}, { arguments: args }))}${END}`)
      expect(name).to.equal('calculator')
      expect(input.replace('{}', '')).to.equal('')
    }
    const outcome = await ask([`${calls(call({}, { name: 'current_time', arguments: null }))}${END}`])
    expect(outcome.calls[0]?.[1]).to.match(/\d{4}/)
  })

  it('ids that are the same in every step are told apart', async () => {
    const outcome = await ask([`${calls(call())}${END}`, `${calls(call({ function: second }))}${END}`])
    expect(outcome.calls).to.deep.equal(TWO)
    const sent = JSON.stringify(outcome.requests[2]?.body)
    expect(sent).to.contain('call_a').and.contain('call00001')
  })

  it('a server that takes no tools is asked without them; agent and owner are told, and it is remembered', async () => {
    const script: Script = ({ body }) =>
      body.tools
        ? refused(400, 'registry.ollama.ai/library/gemma:latest does not support tools')
        : good('I cannot count.')
    const { user, run, requests, answer, conversationId } = await ask([script, script])
    expect(answer).to.equal('I cannot count.')
    expect(requests).to.have.length(2)
    expect(requests[1]?.body).to.not.have.any.keys('tools', 'tool_choice')
    expect(requests[1]?.messages[0]?.text).to.contain('No tools can be used with this model')
    expect(run.notices).to.have.length(1)
    expect(run.notices?.[0]).to.deep.include({ turn: 0, code: 'tools.not_taken' })
    field.server.script(script)
    const [{ agentId = '' } = {}] = (await user.messages(conversationId)).filter(({ role }) => role === 'agent')
    const again = await user.accept('/api/chat', { agentId, message: 'And now?' })
    expect((await user.finished(again.runId)).notices?.map(({ code }) => code)).to.deep.equal(['tools.not_taken'])
    expect(field.server.requests).to.have.length(1)
    const connections = JSON.stringify((await user.get('/api/connections')).body)
    expect(connections).to.contain('Takes no tools: agents answer without theirs.')
  })

  it('where a server takes no tools any more, what was called stands there in words, in roles that take turns', async () => {
    const outcome = await ask([
      `${calls(call())}${END}`,
      (request) =>
        request.body.tools
          ? refused(500, 'Unsupported param: tools')
          : alternates(request)
            ? good('42.')
            : refused(400, 'roles must alternate'),
      (request) => (alternates(request) ? good('It is 42.') : refused(400, 'roles must alternate')),
    ])
    expect(outcome.answer).to.equal('It is 42.')
    const told = outcome.requests[2]?.messages.map(({ text }) => text).join('\n') ?? ''
    expect(told).to.contain('I called calculator with {"expression":"6*7"}').and.contain('<result>\n42\n</result>')
    expect(JSON.stringify(outcome.requests[2]?.body)).to.not.contain('tool_calls')
  })

  it('a server that takes no choice of tools gets none, and its tools all the same', async () => {
    const outcome = await ask([
      refused(400, 'deepseek-reasoner does not support this tool_choice'),
      `${calls(call())}${END}`,
    ])
    expect(outcome.calls).to.deep.equal(ONE)
    expect(outcome.requests[1]?.body).to.have.property('tools')
    expect(outcome.requests[1]?.body).to.not.have.property('tool_choice')
  })

  it('thoughts go back to whoever wants them back, and to nobody else', async () => {
    const missing = 'Missing `reasoning_content` field in the assistant message at message index 2.'
    const first = `${C({ reasoning_content: 'I multiply.' })}${calls(call())}${END}`
    const { user, requests, answer, conversationId } = await ask([
      first,
      ({ body }) => (JSON.stringify(body.messages).includes('reasoning_content') ? '' : refused(400, missing)),
    ])
    expect(answer).to.equal('Done.')
    expect(requests.map(({ body }) => JSON.stringify(body).includes('I multiply.'))).to.deep.equal([
      false,
      false,
      false,
    ])
    field.server.script(({ n }) => (n === 0 ? first : good('Done.')))
    const [{ agentId = '' } = {}] = (await user.messages(conversationId)).filter(({ role }) => role === 'agent')
    await user.finished((await user.accept('/api/chat', { agentId, message: 'And now?' })).runId)
    expect(field.server.requests).to.have.length(2)
    expect(JSON.stringify(field.server.requests[1]?.body)).to.contain('"reasoning_content":"I multiply."')
  })

  for (const [what, broken, provider] of [
    [
      'as Groq',
      refused(400, 'Failed to call a function. Please adjust your prompt.', {
        code: 'tool_use_failed',
        failed_generation: '<function=calculator{"expression": insufficient funds, tools are not supported',
      }),
      'groq',
    ],
    [
      'as Gemini',
      E({
        candidates: [{ content: {}, finishReason: 'MALFORMED_FUNCTION_CALL', index: 0 }],
        usageMetadata: GOOGLE_USAGE,
      }),
      'google',
    ],
    [
      'as Gemini, behind an OpenAI wire,',
      `${C({ content: 'Let me see.' })}${F('function_call_filter: MALFORMED_FUNCTION_CALL')}${U}${D}`,
      'openai-compatible',
    ],
    [
      'as Ollama',
      refused(500, `error parsing tool call: raw='{"expression":', err=unexpected end of JSON input`),
      'ollama',
    ],
  ] as const) {
    it(`a call that its own server could not read is asked for again, ${what} says it`, async () => {
      const outcome = await ask([broken], provider)
      expect(outcome.answer).to.equal('Done.')
      expect(outcome.requests).to.have.length(2)
      expect(outcome.requests[1]?.body).to.have.property('tools')
    })
  }

  describe('as text', () => {
    const written = '<tool_call>\n{"name": "calculator", "arguments": {"expression": "6*7"}}\n</tool_call>'
    const pieces = ['Let me see.', '\n\n<tool', '_call>\n{"name": "calcu', written.slice(27), '\nIt is 41.']
    const stream = (...texts: string[]) => `${texts.map((text) => C(text)).join('')}${F('stop')}${U}${D}`

    it('is made as any other, and nobody sees its marks, not even live; the connection says so', async () => {
      const watcher = field.watcher()
      const outcome = await ask([
        async () => {
          await watcher.look()
          return stream(...pieces)
        },
      ])
      await watcher.stop()
      expect(outcome.calls).to.deep.equal(ONE)
      expect(outcome.answer).to.equal('Let me see.\n\nDone.')
      const live = watcher.seen.flatMap((event) => (event.type === 'turn.delta' ? [event.text] : []))
      expect(live.join('')).to.equal('Let me see.\n\nDone.')
      const sent = z.array(z.looseObject({ role: z.string() })).parse(outcome.requests[1]?.body.messages)
      expect(sent[2]).to.have.property('tool_calls')
      expect(sent[3]).to.deep.include({ role: 'tool', tool_call_id: 'call00000' })
      expect(JSON.stringify((await outcome.user.get('/api/connections')).body)).to.contain(
        'Leaves calls of tools in the text',
      )
    })

    const bare = '{"name": "calculator", "parameters": {"expression": "6*7"}}'

    it('is made without a mark, too, where it is all that is said, and never seen; its result goes in words where the template is strict', async () => {
      const watcher = field.watcher()
      const outcome = await ask([
        async () => {
          await watcher.look()
          return stream('<think>\nI need it.', '</think>\n\n', ...bare)
        },
        refused(400, 'Conversation roles must alternate user/assistant/user/assistant/...'),
        (request) => (alternates(request) ? stream('[current_time(', ')]') : refused(400, 'roles must alternate')),
        (request) => (alternates(request) ? good('It is 42.') : refused(400, 'roles must alternate')),
      ])
      await watcher.stop()
      expect(outcome.run.status).to.equal('completed')
      expect(outcome.answer).to.equal('It is 42.')
      expect(outcome.calls.map(([name]) => name)).to.deep.equal(['calculator', 'current_time'])
      const live = watcher.seen.flatMap((event) => (event.type === 'turn.delta' ? [event.text] : []))
      expect(live.join('')).to.equal('It is 42.')
      // One refusal: the next step knows.
      expect(outcome.requests).to.have.length(4)
      const told = outcome.requests[3]?.messages ?? []
      expect(told.map(({ role }) => role)).to.deep.equal(['system', 'user', 'assistant', 'user', 'assistant', 'user'])
      expect(told[2]?.text).to.equal('{"name":"calculator","arguments":{"expression":"6*7"}}')
      expect(told[3]?.text).to.contain('<result>\n42\n</result>')
      expect(outcome.requests[3]?.body).to.have.property('tools')
      expect(JSON.stringify((await outcome.user.get('/api/connections')).body)).to.contain(
        'Takes no results of tools in a role of their own',
      )
    })

    it('stays text without a mark where the answer is to be JSON, and of servers that read calls themselves', async () => {
      expect(await readOf(stream(bare))).to.have.length(1)
      expect(await readOf(stream(bare), 'ollama', { responseFormat: { type: 'json' } })).to.deep.equal([])
      expect(await readOf(stream(bare), 'groq')).to.deep.equal([])
    })

    it('stays text without a mark where somebody asks for one, or has written one', async () => {
      const user = await field.guest()
      const [agentId = ''] = await user.agentsOn(field.connectionTo('openai-compatible'), ['Ada'])
      await user.put(`/api/agents/${agentId}`, agent)
      for (const message of ['Show me a call of the calculator in JSON.', `A stranger writes: ${bare} Repeat that.`]) {
        field.server.script(() => stream(...bare))
        const { runId, conversationId } = await user.accept('/api/chat', { agentId, message })
        expect((await user.finished(runId)).receipt.steps).to.equal(0)
        expect((await user.messages(conversationId)).at(-1)).to.deep.include({ content: bare, status: 'complete' })
      }
    })

    it('waits for a person where any other would', async () => {
      const user = await field.guest()
      const watched = Promise.withResolvers<void>()
      field.server.script(async ({ n }) => {
        await watched.promise
        return n === 0 ? stream(written) : good('It is 42.')
      })
      const [agentId = ''] = await user.agentsOn(field.connectionTo('ollama'), ['Ada'])
      await user.put(`/api/agents/${agentId}`, { tools: [{ name: 'calculator', policy: 'ask' }] })
      const { runId, conversationId } = await user.accept('/api/chat', { agentId, message: 'What is it?' })
      const waits = Promise.withResolvers<void>()
      const unsubscribe = await field.app.container.feed.subscribe(conversationId, (event) => {
        if (event.type === 'run.updated' && event.run.status === 'waiting') waits.resolve()
      })
      watched.resolve()
      await waits.promise
      await unsubscribe()
      const { body } = await user.get('/api/chat/approvals')
      const { data } = z.object({ data: z.array(z.looseObject({ id: z.string() })) }).parse(body)
      const [waiting] = data
      expect(JSON.stringify(waiting)).to.contain('calculator')
      await user.post(`/api/chat/approvals/${waiting?.id}`, { decision: 'approve' })
      expect((await user.finished(runId)).status).to.equal('completed')
      expect((await user.messages(conversationId)).at(-1)?.content).to.equal('It is 42.')
    })

    it('that somebody else wrote first is a quotation, and stays text', async () => {
      const user = await field.guest()
      field.server.script(() => stream(written))
      const [agentId = ''] = await user.agentsOn(field.connectionTo('openai-compatible'), ['Ada'])
      await user.put(`/api/agents/${agentId}`, agent)
      const message = `Repeat this letter of a stranger's:\n${written}`
      const { runId, conversationId } = await user.accept('/api/chat', { agentId, message })
      await user.finished(runId)
      const last = (await user.messages(conversationId)).at(-1)
      expect(last).to.deep.include({ content: written, status: 'complete' })
      expect(last?.toolCalls ?? []).to.deep.equal([])
    })

    it('that another speaker wrote is one, too; and of a provider that reads calls itself it is always text', async () => {
      const party = await field.party(() => stream(written), { names: ['Otto', 'Ada'] })
      field.server.script(() => stream(written))
      await party.user.put(`/api/agents/${party.agentIds[1]}`, agent)
      const body = { conversationId: party.conversationId, agentIds: party.agentIds, message: 'Go on.', maxTurns: 2 }
      const { runId } = await party.user.accept('/api/chat/multi-agent', body)
      expect((await party.user.finished(runId)).receipt.steps).to.equal(0)
      const openai = await ask([stream(written)], 'openai')
      expect(openai.answer).to.equal(written)
      expect(openai.calls).to.deep.equal([])
    })
  })

  it('who goes on calling when nothing more can be called has come to no answer, and that is said', async () => {
    const outcome = await ask(Array.from({ length: 8 }, () => `${calls(call())}${END}`))
    expect(outcome.run).to.deep.include({ status: 'failed' })
    expect(outcome.run.error?.code).to.equal('provider.only_calls')
    expect(outcome.requests).to.have.length(5)
    expect(outcome.requests[4]?.body.tool_choice).to.equal('none')
  })

  it('arguments that are longer than any are refused, and the model is told', async () => {
    const long = JSON.stringify({ expression: `1${'+1'.repeat(40_000)}` })
    const outcome = await ask([`${calls(call({}, { arguments: long }))}${END}`])
    expect(outcome.answer).to.equal('Done.')
    expect(outcome.calls).to.deep.equal([['calculator', 'The arguments are no JSON object, or too long.']])
    expect(outcome.requests).to.have.length(2)
  })

  it('an end that names calls without any is asked again', async () => {
    const outcome = await ask([`${C({ role: 'assistant', content: '' })}${END}`])
    expect(outcome.answer).to.equal('Done.')
    expect(outcome.requests).to.have.length(2)
  })

  it('what a provider signs goes back with the calls: of Gemini, by its SDK and behind an OpenAI wire', async () => {
    const google = await ask(
      [
        parts(
          { text: 'Hm.', thought: true },
          { functionCall: { name: 'calculator', args: { expression: '6*7' } }, thoughtSignature: 'c2lnbmVk' },
        ),
      ],
      'google',
    )
    expect(google.calls).to.deep.equal(ONE)
    expect(JSON.stringify(google.requests[1]?.body)).to.contain('"thoughtSignature":"c2lnbmVk"')
    const gateway = await ask([
      `${calls(call({ extra_content: { google: { thought_signature: 'c2lnbmVk' } } }))}${END}`,
    ])
    expect(JSON.stringify(gateway.requests[1]?.body)).to.contain('"thought_signature":"c2lnbmVk"')
  })

  it('what a provider signs goes back with the calls: thoughts of Anthropic, also redacted ones', async () => {
    const start = (index: number, block: object) =>
      E({ type: 'content_block_start', index, content_block: block }, 'content_block_start')
    const delta = (index: number, more: object) =>
      E({ type: 'content_block_delta', index, delta: more }, 'content_block_delta')
    const stop = (index: number) => E({ type: 'content_block_stop', index }, 'content_block_stop')
    const outcome = await ask(
      [
        [
          A.start,
          start(0, { type: 'thinking', thinking: '', signature: '' }),
          delta(0, { type: 'thinking_delta', thinking: 'I multiply.' }),
          delta(0, { type: 'signature_delta', signature: 'c2lnbmVk' }),
          stop(0),
          start(1, { type: 'redacted_thinking', data: 'cmVkYWN0ZWQ=' }),
          stop(1),
          start(2, { type: 'tool_use', id: 'toolu_1', name: 'calculator', input: {} }),
          delta(2, { type: 'input_json_delta', partial_json: '' }),
          delta(2, { type: 'input_json_delta', partial_json: '{"expression":"6*7"}' }),
          stop(2),
          A.end('tool_use'),
          A.stop,
        ].join(''),
      ],
      'anthropic',
    )
    expect(outcome.calls).to.deep.equal(ONE)
    const messages = JSON.stringify(outcome.requests[1]?.body.messages)
    expect(messages).to.contain('"signature":"c2lnbmVk"').and.contain('"data":"cmVkYWN0ZWQ="')
    expect(outcome.answer).to.equal('Done.')
  })
})
