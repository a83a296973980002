import { expect } from 'chai'
import fc from 'fast-check'
import { BareCalls } from '../../src/connections/dialects/bare-calls.ts'
import { CallFilter } from '../../src/connections/dialects/call-filter.ts'
import { asksForWriting, writesCallOf } from '../../src/connections/dialects/calls-spoken-of.ts'
import { expectLinear } from '../field/growth.ts'
import { cutText } from '../support/cut-text.ts'

const TOOLS = new Map([
  [
    'calculator',
    {
      type: 'object',
      properties: { expression: { type: 'string' }, digits: { type: ['integer', 'null'] } },
      required: ['expression'],
      additionalProperties: false,
    },
  ],
  ['current_time', { type: 'object', properties: { zone: { type: 'string' } } }],
  ['search-web', { type: 'object', properties: { query: { type: 'string' }, filter: {} }, required: ['query'] }],
  ['anything', { type: 'object' }],
])
type Call = [name: string, args: unknown]

/** What is read of these pieces. */
function read(...pieces: string[]): { words: string; calls: Call[] } {
  const filter = new CallFilter(TOOLS, { isBare: true })
  const words = pieces.map((piece) => filter.push(piece)).join('') + filter.end()
  return { words, calls: filter.calls.map(({ name, input }) => [name, JSON.parse(input)]) }
}
/** In one piece, sign by sign, and in any two. */
function everyWay(text: string, expected: { words: string; calls: Call[] }): void {
  expect(read(text)).to.deep.equal(expected)
  expect(read(...text)).to.deep.equal(expected)
  for (let at = 1; at < text.length; at++) {
    expect(read(text.slice(0, at), text.slice(at)), `cut at ${at}`).to.deep.equal(expected)
  }
}

const SUM: Call = ['calculator', { expression: '17 * 23' }]
const TIME: Call = ['current_time', {}]
const ARGS = '{"expression": "17 * 23"}'
const JSON_SUM = `{"name": "calculator", "parameters": ${ARGS}}`
const JSON_TIME = '{"name": "current_time", "parameters": {}}'

describe('Answers that are nothing but calls', () => {
  const WAYS: Array<[source: string, text: string, calls: Call[]]> = [
    ['Llama 3.1 8B at llama.cpp', JSON_SUM, [SUM]],
    ['Llama 3.2 3B at Ollama, fenced (its issue 13519)', `\`\`\`json\n${JSON_SUM}\n\`\`\``, [SUM]],
    ['Llama 4 Scout at oMLX (its pull request 1153)', ` \n${JSON_SUM}\n`, [SUM]],
    ['Llama 3.x at vLLM, two with a semicolon', `${JSON_SUM}; ${JSON_TIME}`, [SUM, TIME]],
    ['Llama 3.x at vLLM, two in lines', `${JSON_SUM}\n${JSON_TIME}`, [SUM, TIME]],
    ['Llama 3.x, with its type', `{"type": "function", "name": "calculator", "parameters": ${ARGS}}<|eom_id|>`, [SUM]],
    ['Qwen2.5-Coder at Ollama', `{"name": "calculator", "arguments": ${ARGS}}`, [SUM]],
    [
      'Qwen2.5-Coder at vLLM, fenced',
      `\`\`\`json\n{\n  "name": "calculator",\n  "arguments": ${ARGS}\n}\n\`\`\``,
      [SUM],
    ],
    ['Qwen2.5-Coder, a fence each', `\`\`\`json\n${JSON_SUM}\n\`\`\`\n\n\`\`\`json\n${JSON_TIME}\n\`\`\``, [SUM, TIME]],
    ['Qwen3, whose first mark its server took', `{"name": "calculator", "arguments": ${ARGS}}\n</tool_call>`, [SUM]],
    ['as OpenAI has it', `{"type":"function","function":{"name":"calculator","arguments":${ARGS}}}`, [SUM]],
    [
      'as OpenAI has it, arguments as text',
      `[{"id":"call_1","type":"function","function":{"name":"calculator","arguments":${JSON.stringify(ARGS)}}}]`,
      [SUM],
    ],
    ['Devstral at llama.cpp (its issue 14697)', `{"tool_calls": [${JSON_SUM}, ${JSON_TIME}]}`, [SUM, TIME]],
    ["llama.cpp's format for any model", `{"tool_call": {"name": "calculator", "arguments": ${ARGS}}}`, [SUM]],
    ['xLAM at vLLM', `[${JSON_SUM}, ${JSON_TIME}]`, [SUM, TIME]],
    ['Command R without its tokens', `[{"tool_name": "calculator", "parameters": ${ARGS}}]`, [SUM]],
    ['Phi-4-mini', `functools[{"name": "calculator", "arguments": ${ARGS}}]`, [SUM]],
    ['without arguments', '{"name": "current_time", "arguments": null}', [TIME]],
    ['arguments first', `{"arguments": ${ARGS}, "name": "calculator"}`, [SUM]],
    ['the quotes of Python', `{'name': 'calculator', 'arguments': {'expression': '17 * 23'}}`, [SUM]],
    ['Llama 3.2 at vLLM, in Python', "[calculator(expression='17 * 23'), current_time()]", [SUM, TIME]],
    ['Gemma 3 at Ollama, by its prompt', '[calculator(expression="17 * 23")]', [SUM]],
    ['Gemma 3, fenced', '```tool_code\nprint(default_api.calculator(expression="17 * 23"))\n```', [SUM]],
    ['in Python, fenced', '```python\ncalculator(expression="17 * 23")\n```', [SUM]],
    ['LFM2 without its tokens', '[calculator(expression="17 * 23")]<|tool_call_end|>', [SUM]],
    ["Mistral's without their token", `calculator[ARGS]${ARGS}`, [SUM]],
    ['Mistral at text-generation-webui', `calculator${ARGS}current_time{}`, [SUM, TIME]],
    ['GLM-4', `calculator\n${ARGS}`, [SUM]],
    ['as a function of one object', `calculator(${ARGS})`, [SUM]],
    [
      'every kind of literal',
      `[anything(a=-1.5e3, b=True, c=None, d=[1, 'x', {"y": false,}], e='It\\'s "it"', f="\\u00e9\\x41\\n", g='''1"'\n2''', h='')]`,
      [
        [
          'anything',
          { a: -1500, b: true, c: null, d: [1, 'x', { y: false }], e: 'It\'s "it"', f: 'éA\n', g: '1"\'\n2', h: '' },
        ],
      ],
    ],
    [
      'a name with a hyphen',
      `{"name": "functions.search-web", "arguments": {"query": "tea", "filter": [1]}}`,
      [['search-web', { query: 'tea', filter: [1] }]],
    ],
  ]
  for (const [source, text, calls] of WAYS) {
    it(`are calls: ${source}`, () => everyWay(text, { words: '', calls }))
  }

  const TEXTS: Array<[what: string, text: string]> = [
    ['with words before it', `I would call:\n${JSON_SUM}`],
    ['with words behind it', `${JSON_SUM}\nThat is how a call looks.`],
    ['in a fence with words before it', `A call looks like this:\n\`\`\`json\n${JSON_SUM}\n\`\`\``],
    ['in a fence with words behind it', `\`\`\`json\n${JSON_SUM}\n\`\`\`\nSee?`],
    ['in a fence of another language', `\`\`\`js\n${JSON_SUM}\n\`\`\``],
    ['in a fence that is open', `\`\`\`json\n${JSON_SUM}\n`],
    ['between two calls', `${JSON_SUM}\nand\n${JSON_TIME}`],
    ['of a tool that there is not', '{"name": "teleport", "arguments": {}}'],
    ['of a tool that there is, and of one that there is not', `[${JSON_SUM}, {"name": "teleport", "arguments": {}}]`],
    ['cut by a limit', '{"name": "calculator", "parameters": {"expression": "17 *'],
    ['cut behind the arguments', `{"name": "calculator", "parameters": ${ARGS}`],
    ['cut in the second call', `${JSON_SUM}; {"name": "curr`],
    ['cut in Python', '[calculator(expression="17 * 23")'],
    ['an argument missing', '{"name": "calculator", "arguments": {}}'],
    ['an argument that nobody knows', '{"name": "calculator", "arguments": {"expression": "1", "x": 1}}'],
    ['an argument of another type', '{"name": "calculator", "arguments": {"expression": 17}}'],
    ['a part of a number', '{"name": "calculator", "arguments": {"expression": "1", "digits": 1.5}}'],
    ['a number that would come out otherwise', '{"name": "anything", "arguments": {"id": 12345678901234567890}}'],
    ['arguments that are a list', '{"name": "calculator", "arguments": ["17 * 23"]}'],
    ['arguments that are no JSON', '{"name": "calculator", "arguments": "17 * 23"}'],
    ['no arguments at all', '{"name": "calculator"}'],
    ['two names', `{"name": "calculator", "tool": "calculator", "arguments": ${ARGS}}`],
    ['the description of a tool', '{"name": "current_time", "parameters": {"type": "object", "properties": {}}}'],
    ['the description in words', `{"name": "calculator", "description": "It computes.", "parameters": ${ARGS}}`],
    ['a record of something', '{"name": "calculator", "price": 12}'],
    ['any JSON', '{"title": "Tea", "tags": ["green"]}'],
    ['an empty object', '{}'],
    ['an empty list', '[]'],
    ['a link', '[calculator](https://calculator.example)'],
    ['a footnote', '[1] Tea is green.'],
    ['a name', 'calculator'],
    ['a sentence that begins with a name', 'current_time is a tool.'],
    ['arguments by their place', '[calculator("17 * 23")]'],
    ['something computed', '[calculator(expression=str(17))]'],
    ['texts in a row', '[calculator(expression="17" "23")]'],
    ['an argument twice', '[calculator(expression="17", expression="23")]'],
    ['other code in its fence', '```tool_code\nimport math\nprint(math.pi)\n```'],
    ['lists in lists', '['.repeat(5_000)],
    ['objects in objects', `{"name": "anything", "arguments": ${'{"a":'.repeat(5_000)}`],
    ['an escape that there is not', '{"name": "calculator", "arguments": {"expression": "\\d"}}'],
    ['a line that ends within a text', '[calculator(expression="17\n")]'],
    ['a fence in a fence', '````json\n{}\n````'],
    ['white space', ' \n '],
    ['nothing', ''],
  ]
  for (const [what, text] of TEXTS) {
    it(`are text, to the letter: ${what}`, () => everyWay(text.slice(0, 400), { words: text.slice(0, 400), calls: [] }))
  }

  it('are text where they are deeper, or longer, than any', () => {
    for (const text of [
      '['.repeat(100_000),
      `{"name": "anything", "arguments": ${'{"a":'.repeat(100_000)}`,
      `{"name": "anything", "arguments": {"a": "${'x'.repeat(70_000)}"}}`,
    ])
      expect(read(text)).to.deep.equal({ words: text, calls: [] })
  })

  it('are let go at the first sign that cannot belong to a call, and not before', () => {
    const shownAt = (text: string) => {
      const filter = new CallFilter(TOOLS, { isBare: true })
      return [...text].findIndex((sign) => filter.push(sign) !== '')
    }
    for (const text of [
      'N',
      '{"q',
      '{"ti',
      '[1',
      '{"name": "cx',
      '{"name": "calculator", "d',
      '{"name": "calculator", "arguments": {"digits": 1}}',
      `${JSON_SUM} T`,
      'calculator i',
      '```jx',
      '```json\n{"k',
    ])
      expect(shownAt(text), text).to.equal(text.length - 1)
  })

  it('leave marks that come later to be found', () => {
    const marked = `<tool_call>{"name": "calculator", "arguments": ${ARGS}}</tool_call>`
    everyWay(`{}\n${marked}`, { words: '{}\n', calls: [SUM] })
    everyWay(marked, { words: '', calls: [SUM] })
    everyWay(`\`\`\`tool_code\ncalculator(expression="17 * 23")\n\`\`\`\n\`\`\`tool_output\n5\n\`\`\``, {
      words: '',
      calls: [SUM],
    })
  })

  it('take steps by their length alone, however they are cut and whatever they are', () => {
    for (const unit of ['[', '{"name":', ' ', '{"a":1},', JSON_SUM, '"', '\\', 'calculator(', '```']) {
      for (const open of ['', '{"name": "anything", "arguments": {"a": "', '[anything(a=[']) {
        const steps = (times: number) => {
          const bare = new BareCalls(TOOLS)
          const text = open + unit.repeat(times)
          for (let at = 0; at < text.length; at += 7) if (!bare.push(text.slice(at, at + 7))) break
          bare.end()
          expect(bare.taken).to.be.at.most(text.length + 1)
        }
        steps(100)
        steps(1_000)
      }
    }
  })

  it('come out the same however they are cut, and nothing of a text is lost', () => {
    const part = fc.constantFrom(
      JSON_SUM,
      JSON_TIME,
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      'calculator',
      '(',
      ')',
      'expression=',
      ARGS,
      '\n',
      ';',
      ',',
      ' ',
      '```json',
      '```',
      '\\',
      '<',
      '</tool_call>',
      '1',
      'Tea',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.array(fc.nat(30), { maxLength: 20 }), (parts, cuts) => {
        const text = parts.join('')
        const whole = read(text)
        expect(read(...cutText(text, cuts))).to.deep.equal(whole)
        expect(whole.words).to.equal(whole.calls.length === 0 ? text : '')
      }),
      { numRuns: 500 },
    )
  })

  it('are of tools whose schemas have types that nobody knows', () => {
    const schema = { properties: { a: { type: ['__proto__', 'constructor'] }, b: { type: '__proto__' } } }
    const filter = new CallFilter(new Map([['odd', schema]]), { isBare: true })
    expect(filter.push('odd(a=1, b="x")') + filter.end()).to.equal('')
    expect(filter.calls).to.deep.equal([{ name: 'odd', input: '{"a":1,"b":"x"}' }])
  })

  it('are looked for in what others wrote without a square of its length', () => {
    for (const unit of [' ', ': ', ':"', 'calculator', 'calculator ', ': "calculator ']) {
      expectLinear((n) => writesCallOf(TOOLS.keys(), unit.repeat(n)), unit)
    }
  })

  it('are not read where others have written one, however they hide it, or ask for how one is written', () => {
    const names = [...TOOLS.keys()]
    for (const text of [
      `Repeat: ${JSON_SUM}`,
      "{'tool': 'calculator'}",
      '{\\"name\\": \\"calculator\\"}',
      'name : “ calculator ”',
      '{"name":"functions.calculator"}',
      '{"name": "ｃａｌｃｕｌａｔｏｒ"}',
      'Say calcu\u200blator(expression="1").',
      'search-web {"query": 1}',
      'calculator[ARGS]{}',
    ])
      expect(writesCallOf(names, text), text).to.equal(true)
    for (const text of [
      'Use the calculator (it is good) and current_time.',
      'my_calculator(1) is not yours, nor is research-web{}.',
      'Ask "the calculator" of John.',
      'Always use "calculator" for sums.',
    ])
      expect(writesCallOf(names, text), text).to.equal(false)
    for (const text of ['Show me the JSON of a call.', 'Wie ruft man das in Python auf?', 'What is a function call?'])
      expect(asksForWriting(text), text).to.equal(true)
    for (const text of ['Read data.json and https://a.example/json.', 'Pythons are snakes.', 'Call me.'])
      expect(asksForWriting(text), text).to.equal(false)
  })
})
