import { expect } from 'chai'
import fc from 'fast-check'
import { CallFilter } from '../../src/connections/dialects/call-filter.ts'
import { speaksOfCalls } from '../../src/connections/dialects/calls-spoken-of.ts'
import { expectLinear } from '../field/growth.ts'
import { cutText } from '../support/cut-text.ts'

const TOOLS = new Map([
  ['add', { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'string' } } }],
  ['now', { type: 'object' }],
])
const ARGS = { a: 1, b: '2 < 3\n"x"' }
const JSON_ARGS = JSON.stringify(ARGS)
const CALL = `{"name": "add", "arguments": ${JSON_ARGS}}`
const NOW = '{"name": "now", "arguments": {}}'

/** What is read of these pieces. */
function read(...pieces: string[]): { words: string; calls: Array<[string, unknown]> } {
  const filter = new CallFilter(TOOLS)
  const words = pieces.map((piece) => filter.push(piece)).join('') + filter.end()
  return { words, calls: filter.calls.map(({ name, input }) => [name, JSON.parse(input)]) }
}
/** As Python has it. */
const PY = `add(a=1, b='2 < 3\\n"x"')`
const ADD: [string, unknown] = ['add', ARGS]
const BOTH: Array<[string, unknown]> = [ADD, ['now', {}]]

describe('Calls that a model writes as text', () => {
  const XML = `<function=add>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\n${ARGS.b}\n</parameter>\n</function>`
  const WAYS: Array<[model: string, text: string, calls: Array<[string, unknown]>]> = [
    ['Hermes, Qwen', `<tool_call>\n${CALL}\n</tool_call>`, [ADD]],
    ['two of them', `<tool_call>\n${CALL}\n</tool_call>\n<tool_call>${NOW}</tool_call>`, BOTH],
    ['without their end', `<tool_call>\n${CALL}`, [ADD]],
    [
      'with a mark in an argument',
      '<tool_call>{"name":"add","arguments":{"b":"</tool_call>"}}</tool_call>',
      [['add', { b: '</tool_call>' }]],
    ],
    ['with arguments as text', `<tool_call>{"name":"add","arguments":${JSON.stringify(JSON_ARGS)}}</tool_call>`, [ADD]],
    ["Qwen's coders", `<tool_call>\n${XML}\n</tool_call>`, [ADD]],
    ["Qwen's coders, the first mark missing", `${XML}\n</tool_call>`, [ADD]],
    [
      'GLM',
      `<tool_call>add\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n<arg_key>b</arg_key>\n<arg_value>${ARGS.b}</arg_value>\n</tool_call>`,
      [ADD],
    ],
    ['Mistral', `[TOOL_CALLS][${CALL}, ${NOW}]`, BOTH],
    ["Mistral's newer ones", `[TOOL_CALLS]add[CALL_ID]x1[ARGS]${JSON_ARGS}[TOOL_CALLS]now{}`, BOTH],
    ['Llama', `<|python_tag|>{"type": "function", "name": "add", "parameters": ${JSON_ARGS}}; ${NOW}<|eom_id|>`, BOTH],
    ["Llama's custom one", `<function=add>${JSON_ARGS}</function>`, [ADD]],
    [
      'DeepSeek',
      `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n\`\`\`json\n${JSON_ARGS}\n\`\`\`<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
      BOTH,
    ],
    [
      "DeepSeek's DSML",
      `<｜DSML｜function_calls>\n<｜DSML｜invoke name="add">\n<｜DSML｜parameter name="a" string="false">1</｜DSML｜parameter>\n<｜DSML｜parameter name="b" string="true">${ARGS.b}</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>`,
      [ADD],
    ],
    [
      'Kimi',
      `<|tool_calls_section_begin|><|tool_call_begin|>functions.add:0<|tool_call_argument_begin|>${JSON_ARGS}<|tool_call_end|><|tool_calls_section_end|>`,
      [ADD],
    ],
    [
      'MiniMax',
      `<minimax:tool_call>\n<invoke name="add">\n<parameter name="a">1</parameter>\n<parameter name="b">${ARGS.b}</parameter>\n</invoke>\n</minimax:tool_call>`,
      [ADD],
    ],
    ['gpt-oss', `<|channel|>commentary to=functions.add <|constrain|>json<|message|>${JSON_ARGS}<|call|>`, [ADD]],
    [
      "gpt-oss's message",
      `<|start|>assistant<|channel|>commentary to=functions.add json<|message|>${JSON_ARGS}<|call|>`,
      [ADD],
    ],
    ['LM Studio', `[TOOL_REQUEST]\n${CALL}\n[END_TOOL_REQUEST]`, [ADD]],
    ['Phi, Granite', `<|tool_call|>[${CALL}]<|/tool_call|>`, [ADD]],
    ['Granite, whose end is the end', `<|tool_call|>[${CALL}, ${NOW}]`, BOTH],
    ["Granite's first", `<function_call> ${CALL}`, [ADD]],
    ['Phi-4-mini, by its template', `<|tool_calls|>[${CALL}]<|/tool_calls|>`, [ADD]],
    ["Jamba, Hunyuan (vLLM's parsers)", `<tool_calls>[\n  ${CALL},\n  ${NOW}\n]</tool_calls>`, BOTH],
    ['MiniMax M1', `<tool_calls>\n${CALL}\n${NOW}\n</tool_calls>`, BOTH],
    ["Qwen2.5-Coder (vLLM's issue of its parser)", `<tools>\n${CALL}\n</tools>`, [ADD]],
    ['Nemotron', `<TOOLCALL>[${CALL}]</TOOLCALL>`, [ADD]],
    ['Seed-OSS', `<seed:tool_call>\n${XML}\n</seed:tool_call>`, [ADD]],
    ['LongCat', `<longcat_tool_call>${CALL}</longcat_tool_call>`, [ADD]],
    ['Apertus', `<|tools_prefix|>[{"add": ${JSON_ARGS}}, {"now": {}}]<|tools_suffix|>`, BOTH],
    ['InternLM2', `<|action_start|><|plugin|>\n${CALL}<|action_end|>`, [ADD]],
    [
      'DeepSeek V4',
      `<｜DSML｜tool_calls>\n<｜DSML｜invoke name="now">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>`,
      [['now', {}]],
    ],
    ["LFM2 (LM Studio's issue)", `<|tool_call_start|>[${PY}, now()]<|tool_call_end|>`, BOTH],
    ['LFM2, asked for JSON', `<|tool_call_start|>[${CALL}]<|tool_call_end|>`, [ADD]],
    ['Llama 4', `<|python_start|>[${PY}, now()]<|python_end|>`, BOTH],
    ['Llama 4, without its end', `<|python_start|>[${PY}]`, [ADD]],
    ['Llama 3.2 in Python', `<|python_tag|>[${PY}, now()]<|eom_id|>`, BOTH],
    ["Llama 3.1's built-in ones", `<|python_tag|>add.call(a=1, b="2 < 3\\n\\"x\\"")`, [ADD]],
    ['OLMo 3', `<function_calls>${PY}\nnow()</function_calls>`, BOTH],
    ['Gemma 4', `<|tool_call>call:add{a:1,b:<|"|>${ARGS.b}<|"|>}<tool_call|>`, [ADD]],
    [
      'two of Gemma 4',
      `<|tool_call>call:add{a:1,b:<|"|>${ARGS.b}<|"|>}<tool_call|><|tool_call>call:now{}<tool_call|>`,
      BOTH,
    ],
    ['FunctionGemma', `<start_function_call>call:add{a:1,b:<escape>${ARGS.b}<escape>}<end_function_call>`, [ADD]],
    ['Gemma 3, Gemini', `\`\`\`tool_code\nprint(default_api.${PY})\nprint(default_api.now())\n\`\`\``, BOTH],
    ['Gemma 3, in a list', `\`\`\`tool_code\n[${PY}, now()]\n\`\`\``, BOTH],
    ['a gateway of Gemini', `\`\`\`tool_call\n${CALL}\n\`\`\``, [ADD]],
    [
      'Command R',
      `<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "add", "parameters": ${JSON_ARGS}}]<|END_ACTION|>`,
      [ADD],
    ],
  ]
  for (const [model, text, calls] of WAYS) {
    it(`are read as of ${model}, wherever they are cut, and never shown`, () => {
      expect(read(text)).to.deep.equal({ words: '', calls })
      expect(read(...text)).to.deep.equal({ words: '', calls })
      const said = `Let me see.\n\n${text}`
      for (let at = 1; at < said.length; at++) {
        expect(read(said.slice(0, at), said.slice(at))).to.deep.equal({ words: 'Let me see.\n\n', calls })
      }
    })
  }

  it('may follow words in a line where their mark is a token that nobody types', () => {
    expect(read(`Let me see.<|python_tag|>${CALL}`)).to.deep.equal({ words: 'Let me see.', calls: [ADD] })
    expect(read(`Let me see. <tool_call>${CALL}</tool_call>`).calls).to.deep.equal([])
  })

  it('end what is said: what comes behind was said without knowing what comes of them', () => {
    const text = `See.\n<tool_call>${CALL}</tool_call>\n<tool_response>3</tool_response>\nIt is 3.\n<tool_call>${NOW}</tool_call>`
    expect(read(text)).to.deep.equal({ words: 'See.\n', calls: BOTH })
  })

  const TEXTS: Array<[what: string, text: string]> = [
    ['in a fence', `So:\n\`\`\`xml\n<tool_call>${CALL}</tool_call>\n\`\`\`\nSee?`],
    ['in a fence that never ends', `~~~\n[TOOL_CALLS][${CALL}]`],
    ['in a line of code', `Write \`<|python_tag|>${CALL}\`.`],
    ['in a quotation', `He wrote "<|python_tag|>${CALL}".`],
    ['in a block of one', `> <tool_call>${CALL}</tool_call>\n> <|python_tag|>${CALL}`],
    ['behind words', `Use <tool_call>${CALL}</tool_call> then.`],
    ['of no known tool', `<tool_call>{"name": "teleport", "arguments": {}}</tool_call>`],
    ['of a known tool beside one that is not', `[TOOL_CALLS][${CALL}, {"name": "teleport"}]`],
    ['that is not whole', `<tool_call>\n{"name": "add", "arguments": {"a": 1`],
    ['of no JSON', '<tool_call>add(1)</tool_call>'],
    ['of arguments that are no object', '<tool_call>{"name": "add", "arguments": [1]}</tool_call>'],
    ['with words in its place', `<tool_call>Please: ${CALL}</tool_call>`],
    ['that is longer than any', `<tool_call>{"name": "add", "arguments": {"b": "${'x'.repeat(70_000)}"}}</tool_call>`],
    ['in a fence of theirs, of no known tool', '```tool_code\nprint(default_api.teleport())\n```\n<tool_call>'],
    ['in a fence of theirs that holds other code', '```tool_code\nx = 1\nprint(x)\n```\nSee?'],
    ['in Python, with a call in an argument', '<|python_start|>[add(a=now())]<|python_end|>'],
    ['in Python, with arguments that have no names', '<|python_start|>[add(1, "x")]<|python_end|>'],
    ['in Python, with something computed', '<|python_start|>[add(a=1+1)]<|python_end|>'],
    ['that is only spoken of', 'The tag <tool_call> begins a call, [TOOL_CALLS] too; a < b [1].\n<tool_'],
    [
      'as DeepSeek would, without arguments',
      '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add<｜tool▁calls▁end｜>',
    ],
  ]
  for (const [what, text] of TEXTS) {
    it(`stay text ${what}`, () => {
      expect(read(text)).to.deep.equal({ words: text, calls: [] })
      expect(read(...text.slice(0, 2_000), text.slice(2_000))).to.deep.equal({ words: text, calls: [] })
    })
  }

  it('that a limit has cut are none, however much of their arguments is there; whole ones before it are', () => {
    for (const text of [
      `<tool_call>${CALL}`,
      '<tool_call>\n<function=add>\n<parameter=a>1</parameter>\n<parameter=b>half of a te',
      '<function=add>\n<parameter=a>1</parameter>\n',
      '<|python_start|>[add(a=1)',
    ]) {
      const filter = new CallFilter(TOOLS)
      expect(filter.push(text) + filter.end({ isCut: true })).to.equal(text)
      expect(filter.calls).to.deep.equal([])
    }
    const filter = new CallFilter(TOOLS)
    expect(filter.push(`<tool_call>${NOW}</tool_call><tool_call>${CALL}`) + filter.end({ isCut: true })).to.equal('')
    expect(filter.calls.map(({ name }) => name)).to.deep.equal(['now'])
  })

  it('come out the same however the text is cut, and nothing of a text is lost', () => {
    const part = fc.constantFrom(
      '<tool_call>',
      '</tool_call>',
      CALL,
      NOW,
      '\n',
      '`',
      '```',
      '~~~',
      '> ',
      '"',
      '[TOOL_CALLS]',
      '<|python_tag|>',
      '<',
      '[',
      'Hm. ',
      ' ',
      XML,
      '<｜tool▁calls▁begin｜>',
      '```tool_code',
      `default_api.${PY}`,
      '<|python_start|>',
      '<|tool_call>',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.array(fc.nat(30), { maxLength: 20 }), (parts, cuts) => {
        const text = parts.join('')
        const whole = read(text)
        expect(read(...cutText(text, cuts))).to.deep.equal(whole)
        if (whole.calls.length === 0) expect(whole.words).to.equal(text)
        else expect(text.startsWith(whole.words)).to.equal(true)
      }),
      { numRuns: 500 },
    )
  })

  it('cost no square of their length: marks without end, a call sign by sign', () => {
    for (const unit of ['<tool_call>', '{"a":']) {
      expectLinear((n) => {
        const text = `<tool_call>${unit.repeat(n)}`
        const filter = new CallFilter(TOOLS)
        for (let at = 0; at < text.length; at += 64) filter.push(text.slice(at, at + 64))
        filter.end()
      }, unit)
    }
  })

  it('are not read where others speak of them, however they hide it', () => {
    for (const text of [
      'Repeat: <tool_call>{}</tool_call>',
      'tool\u200b_call',
      'tool_\ufe0fcall',
      'tool_\u{e0063}\u{e0100}call',
      'ｔｏｏｌ＿ｃａｌｌ',
      'tool\\_call',
      '[tool_calls]',
      '<FUNCTION=add>',
      'to=functions.add',
      '<｜tool▁calls▁begin｜>',
      '<｜DSML｜function_calls>',
    ])
      expect(speaksOfCalls(text), text).to.equal(true)
    expect(speaksOfCalls('Call me when the tools are here; the function is 7 = 7.')).to.equal(false)
  })
})
