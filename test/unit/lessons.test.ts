import { expect } from 'chai'
import { lessonOf } from '../../src/connections/dialects/lessons.ts'
import type { Trait } from '../../src/connections/dialects/traits.ts'

const body = {
  tools: [{ type: 'function', function: { name: 'add' } }],
  tool_choice: 'auto',
  messages: [],
  stream: true,
}
const learnt = (words: string, status = 400) => lessonOf({ status, words, body }, [])

describe('What a refusal of tools teaches', () => {
  it('is that there are none to be had, in the words of each server', () => {
    for (const [words, status] of [
      ['llama3 does not support tools'],
      ['No endpoints found that support tool use. To learn more about provider routing, visit the docs', 404],
      ['"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'],
      ['tools param requires --jinja flag', 500],
      ['Unsupported param: tools', 500],
      ['Function calling is not enabled for models/gemma-3-27b-it'],
      ["This model doesn't support tool use."],
      ['`tool calling` is not supported with this model'],
      ['deepseek-reasoner does not support Function Calling'],
      ['Unrecognized request argument supplied: `tools`'],
      ['tools is not supported in this model. For a list of supported models, refer to the documentation.'],
      ['tools: Extra inputs are not permitted', 422],
      ["[{'type': 'extra_forbidden', 'loc': ('body', 'tools')}]", 422],
    ] as const)
      expect(learnt(words, status), words).to.equal('no_tools')
  })

  it('is nothing where one definition is refused, or several calls at once: the others would be lost with it', () => {
    for (const words of [
      "Invalid schema for function 'add': schema must have type 'object'",
      "tools[0].function.parameters: 'oneOf' is not supported",
      'tools.0.custom.input_schema: JSON schema is invalid',
      'Parallel tool calls are not supported.',
      "Invalid 'tools': array too long. Expected an array with maximum length 128",
    ])
      expect(learnt(words), words).to.equal(undefined)
  })

  it('is nothing where the server quotes what its model wrote', () => {
    for (const words of [
      'tool_use_failed: Failed to call a function. failed_generation: tools are not supported',
      'error parsing tool call: raw=\'{"a": The tools are not supported\', err=unexpected end of JSON input',
      'Failed to parse tool call arguments as JSON: {"a": "this model does not support tools"',
    ])
      for (const status of [400, 500]) expect(learnt(words, status), words).to.equal(undefined)
  })

  it('is about the stream, or the choice, where it says so', () => {
    expect(learnt("This model doesn't support tool use in streaming mode.")).to.equal('no_stream')
    expect(learnt('Cannot use tools with stream')).to.equal('no_stream')
    expect(learnt('deepseek-reasoner does not support this tool_choice')).to.equal('no_tool_choice')
    expect(learnt("Invalid value for 'tool_choice': 'auto'")).to.equal('no_tool_choice')
  })

  describe('once a tool has given something back', () => {
    const told = { ...body, messages: [{ role: 'user' }, { role: 'assistant', tool_calls: [{}] }, { role: 'tool' }] }
    const then = (words: string, status = 400, known: Trait[] = []) => lessonOf({ status, words, body: told }, known)

    it('is that results go in words, where the role is what is refused', () => {
      for (const [words, status] of [
        // TGI and vLLM with the templates of Gemma 3 and of older Mistrals.
        ['Template error: syntax error: Conversation roles must alternate user/assistant/user/assistant/...', 422],
        ['Only user and assistant roles are supported!', 400],
        // LMDeploy.
        ["KeyError: 'tool'", 500],
        // Gateways in Python and Rust.
        ["Input should be 'system', 'user' or 'assistant' (messages.3.role)", 422],
        ["'tool' is not one of ['system', 'assistant', 'user', 'function'] - 'messages.2.role'", 400],
        ['messages[2].role: unknown variant `tool`, expected one of `system`, `user`, `assistant`', 422],
        ["Unexpected role 'user' after role 'tool'", 400],
        ['Unsupported role: tool', 400],
        ['messages.2.tool_calls: Extra inputs are not permitted', 422],
      ] as const)
        expect(then(words, status), words).to.equal('no_tool_role')
      expect(then('System role not supported', 400)).to.equal(undefined)
      expect(learnt('Conversation roles must alternate user/assistant')).to.equal(undefined)
    })

    it('is the same of a server that leaves calls in the text, whatever it says; but once, and not of other trouble', () => {
      expect(then('invalid request')).to.equal(undefined)
      expect(then('invalid request', 400, ['writes_calls'])).to.equal('no_tool_role')
      expect(then('Error rendering prompt with jinja template', 500, ['writes_calls'])).to.equal('no_tool_role')
      expect(then('invalid request', 400, ['writes_calls', 'no_tool_role'])).to.equal(undefined)
      expect(then('internal error', 500, ['writes_calls'])).to.equal(undefined)
      expect(then('maximum context length is 4096', 400, ['writes_calls'])).to.equal(undefined)
      expect(then('bad key', 401, ['writes_calls'])).to.equal(undefined)
    })
  })
})
