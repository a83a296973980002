import { plainJson } from '../../contract/plain-json.ts'
import { isOpenCall } from '../../contract/tool-names.ts'
import type { MessageView } from '../../contract/views.ts'
import type { RunStep } from '../run-script.ts'
import { inputOf, LATE, troubleOf } from '../told-call.ts'
import type { TurnCall } from '../turn-calls.ts'
import type { AgUiEvent, AgUiMessage } from './ag-ui-events.ts'
import { hadOf, type Shown, type ShownCall } from './ag-ui-had.ts'

type Began = Extract<RunStep, { type: 'turn.began' }>

/**
 * One turn as a client shows it: messages of its words, each with the calls behind them. An attempt that says the same again is followed
 * without a word until it says more; one that says otherwise has all of it taken back, and said anew.
 */
export class AgUiTurn {
  readonly #prefix: string
  readonly #snapshot: () => AgUiEvent
  /** Ids of messages that the client had of it before. */
  readonly had: readonly string[]
  #began: Began | undefined
  #shown: Shown[]
  /** Where this attempt is: in which of them, behind how many UTF-16 units; and whether a call stands behind that. */
  #place = 0
  #at = 0
  #hasCalled = false
  /** All that this attempt said and did. */
  #told: Array<string | TurnCall> = []
  #open: Shown | undefined
  #isStepOpen = false
  #isOver = false
  #editions = 0

  /** `prefix`: how ids of its messages begin; `before`: what the client shows. */
  constructor(prefix: string, before: readonly AgUiMessage[], snapshot: () => AgUiEvent) {
    this.#prefix = prefix
    this.#snapshot = snapshot
    const { shown, ids } = hadOf(prefix, before)
    this.#shown = shown
    this.had = ids
  }

  /** What the client shows of it. */
  get messages(): AgUiMessage[] {
    return this.#shown.flatMap(({ messageId: id, text: content, calls }) => {
      const toolCalls = calls.map(({ id, name, args }) => ({
        id,
        type: 'function',
        function: { name, arguments: args },
      }))
      const said = { id, role: 'assistant', name: this.#began?.agentName, content, metadata: this.#metadata }
      const results = calls.flatMap(({ id: toolCallId, result }) =>
        result === undefined ? [] : [{ id: resultId(toolCallId), role: 'tool', toolCallId, content: result }],
      )
      return [{ ...said, ...(toolCalls.length > 0 && { toolCalls }) }, ...results]
    })
  }

  begin(began: Began): AgUiEvent[] {
    const isFirst = this.#began === undefined
    this.#began = began
    this.#rewind()
    this.#told = []
    return isFirst && this.#shown.length === 0 ? this.#start() : []
  }

  say(text: string): AgUiEvent[] {
    this.#told.push(text)
    return this.#write(text)
  }

  use(call: TurnCall): AgUiEvent[] {
    this.#told.push(call)
    return this.#write(call)
  }

  /** Nothing more comes before somebody has decided. */
  pause(): AgUiEvent[] {
    return this.#isOver ? [] : [...this.#endText(), ...this.#endStep()]
  }

  /** Null: what was said is not part of the conversation. */
  end(message: MessageView | null): AgUiEvent[] {
    if (this.#isOver) return []
    if (!message) {
      const takenBack = this.#shown.length > 0 ? this.#takeBack() : []
      this.#isOver = true
      return [...takenBack, ...this.#endStep()]
    }
    const isLess = this.#place < this.#shown.length - 1 || this.#at < (this.#shown[this.#place]?.text.length ?? 0)
    const anew = isLess ? this.#sayAnew() : []
    this.#isOver = true
    const metadata = { messageId: message.id, ...(message.credits !== undefined && { credits: message.credits }) }
    return [...anew, ...this.#endText(metadata), ...this.#endStep()]
  }

  get #metadata() {
    const { turn, agentId, attempt } = this.#began ?? {}
    return { turn, agentId, attempt }
  }

  #write(one: string | TurnCall): AgUiEvent[] {
    if (typeof one !== 'string') return this.#call(one)
    if (this.#hasCalled) {
      this.#place++
      this.#at = 0
      this.#hasCalled = false
    }
    const known = this.#shown[this.#place]
    const again = known?.text.slice(this.#at, this.#at + one.length) ?? ''
    if (!one.startsWith(again)) return this.#sayAnew()
    this.#at += one.length
    const delta = one.slice(again.length)
    if (delta === '') return []
    const started = known && known === this.#open ? [] : [...this.#endText(), ...this.#start(known)]
    const shown = this.#shown[this.#place]
    if (!shown) return started
    shown.text += delta
    return [...started, { type: 'TEXT_MESSAGE_CONTENT', messageId: shown.messageId, delta }]
  }

  #call(call: TurnCall): AgUiEvent[] {
    const where = this.#shown.findIndex(({ calls }) => calls.some(({ id }) => id === call.id))
    const isNew = where < 0
    const here = this.#shown[this.#place]
    // Words that stand before it were not said this time.
    if (where > this.#place || (isNew && here && this.#at < here.text.length)) return this.#sayAnew()
    if (isNew || where === this.#place) this.#hasCalled = true
    const known = this.#shown[where]?.calls.find(({ id }) => id === call.id)
    const made: AgUiEvent[] = known ? [] : this.#make(call)
    const result = isOpenCall(call) ? undefined : outcomeOf(call)
    const shown = known ?? this.#shown[this.#place]?.calls.at(-1)
    if (result === undefined || !shown || shown.result !== undefined) return made
    shown.result = result
    const told = { messageId: resultId(call.id), toolCallId: call.id, content: result, role: 'tool' as const }
    return [...made, { type: 'TOOL_CALL_RESULT', ...told }]
  }

  #make(call: TurnCall): AgUiEvent[] {
    const started = this.#shown[this.#place] ? [] : this.#start()
    const { id, name } = call
    const shown: ShownCall = { id, name, args: plainJson(JSON.stringify(inputOf(call))), result: undefined }
    const parent = this.#shown[this.#place]
    if (!parent) return []
    parent.calls.push(shown)
    return [
      ...started,
      ...this.#endText(),
      ...this.#beginStep(),
      { type: 'TOOL_CALL_START', toolCallId: id, toolCallName: name, parentMessageId: parent.messageId },
      { type: 'TOOL_CALL_ARGS', toolCallId: id, delta: shown.args },
      { type: 'TOOL_CALL_END', toolCallId: id },
    ]
  }

  /** Opens a message: a new one, or one that the client has the beginning of. */
  #start(known?: Shown): AgUiEvent[] {
    const edition = this.#editions === 0 ? '' : `.${this.#editions}`
    const shown = known ?? { messageId: `${this.#prefix}${this.#shown.length}${edition}`, text: '', calls: [] }
    if (!known) this.#shown.push(shown)
    this.#open = shown
    const { messageId } = shown
    const name = this.#began?.agentName ?? ''
    const start = { type: 'TEXT_MESSAGE_START', messageId, role: 'assistant', name, metadata: this.#metadata } as const
    return [...this.#beginStep(), start]
  }

  #endText(metadata?: Record<string, unknown>): AgUiEvent[] {
    const open = this.#open
    this.#open = undefined
    return open ? [{ type: 'TEXT_MESSAGE_END', messageId: open.messageId, ...(metadata && { metadata }) }] : []
  }

  #sayAnew(): AgUiEvent[] {
    const takenBack = this.#takeBack()
    this.#rewind()
    return [...takenBack, ...this.#told.flatMap((one) => this.#write(one))]
  }

  #takeBack(): AgUiEvent[] {
    const ended = this.#endText()
    this.#shown = []
    this.#editions++
    return [...ended, this.#snapshot()]
  }

  #rewind(): void {
    this.#place = 0
    this.#at = 0
    this.#hasCalled = false
  }

  #beginStep(): AgUiEvent[] {
    if (this.#isStepOpen) return []
    this.#isStepOpen = true
    return [{ type: 'STEP_STARTED', stepName: this.#stepName }]
  }

  #endStep(): AgUiEvent[] {
    if (!this.#isStepOpen) return []
    this.#isStepOpen = false
    return [{ type: 'STEP_FINISHED', stepName: this.#stepName }]
  }

  /** Steps that are open at the same time have different names. */
  get #stepName(): string {
    return `${(this.#began?.turn ?? 0) + 1}. ${this.#began?.agentName}`
  }
}

const resultId = (callId: string): string => `${callId}.result`

/** What a call came to, in words. */
function outcomeOf(call: TurnCall): string {
  if (call.status === 'done') return call.result ?? ''
  if (call.status === 'denied') return 'It was not allowed.'
  return call.status === 'expired' ? LATE : troubleOf(call)
}
