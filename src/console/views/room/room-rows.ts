import { isTerminal, type MessageView, type RunView } from '../../../client/client.ts'
import { type RoomState, type Speaking, turnKey } from './room-store.ts'

/** What an agent says or has said: one place, from its first word on. */
export type Speech = { key: string; message: MessageView } | { key: string; speaking: Speaking }

export type Row =
  | { kind: 'message'; key: string; message: MessageView }
  | { kind: 'speaking'; key: string; speaking: Speaking }
  /** Answers that nobody heard of each other, side by side. */
  | { kind: 'panel'; key: string; speeches: Speech[] }
  | { kind: 'end'; key: string; run: RunView }

const keyOf = (message: MessageView): string =>
  message.role === 'agent' && message.runId !== null && message.turn !== null
    ? turnKey({ runId: message.runId, turn: message.turn })
    : message.id

/**
 * The rows of a room. Words that were said anew are left out, unless asked for; how a run ended stands behind the last of it, where that
 * says more than the words themselves.
 */
export function roomRows(
  { messages, speaking, runs }: Pick<RoomState, 'messages' | 'speaking' | 'runs'>,
  withSuperseded = false,
): Row[] {
  const shown = withSuperseded ? messages : messages.filter(({ status }) => status !== 'superseded')
  const lastOf = new Map<string, string>()
  for (const { runId, id } of shown) if (runId !== null) lastOf.set(runId, id)
  const rows: Row[] = []
  const panels: Panels = new Map()
  for (const message of shown) {
    const { runId } = message
    const run = runId === null ? undefined : runs.get(runId)
    const key = message.status === 'superseded' ? message.id : keyOf(message)
    if (message.role === 'agent' && message.status !== 'superseded' && run?.strategy === 'panel') {
      addToPanel(rows, panels, run.id, message.agentId, { key, message })
    } else rows.push({ kind: 'message', key, message })
    if (run && lastOf.get(run.id) === message.id && isWorthSaying(run, messages)) {
      rows.push({ kind: 'end', key: `end:${run.id}`, run })
    }
  }
  for (const turn of [...speaking].sort((a, b) => compare(a.runId, b.runId) || a.turn - b.turn)) {
    const key = turnKey(turn)
    const isPanel = runs.get(turn.runId)?.strategy === 'panel'
    if (isPanel) addToPanel(rows, panels, turn.runId, turn.agentId, { key, speaking: turn })
    else rows.push({ kind: 'speaking', key, speaking: turn })
  }
  return rows
}

/** The panel of a run that is answered now; closed when somebody has summed up. */
type Panels = Map<string, { row: Extract<Row, { kind: 'panel' }>; isOver: boolean; count: number }>

/** Who sums up has answered before: that stands alone, and what is said after it is another panel. */
function addToPanel(rows: Row[], panels: Panels, runId: string, agentId: string | null, speech: Speech): void {
  const panel = panels.get(runId)
  if (!panel || panel.isOver) {
    const count = (panel?.count ?? 0) + 1
    const row: Row = { kind: 'panel', key: `panel:${runId}:${count}`, speeches: [speech] }
    panels.set(runId, { row, isOver: false, count })
    rows.push(row)
  } else if (panel.row.speeches.every((other) => agentOf(other) !== agentId)) {
    panel.row.speeches.push(speech)
    panel.row.speeches.sort((a, b) => turnOf(a) - turnOf(b))
  } else {
    panel.isOver = true
    rows.push('message' in speech ? { kind: 'message', ...speech } : { kind: 'speaking', ...speech })
  }
}

const agentOf = (speech: Speech): string | null =>
  'message' in speech ? speech.message.agentId : speech.speaking.agentId
const turnOf = (speech: Speech): number => ('message' in speech ? (speech.message.turn ?? 0) : speech.speaking.turn)
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** One agent that has answered needs no more words, unless it used tools on the way; a run whose words were all said anew has none. */
function isWorthSaying(run: RunView, messages: readonly MessageView[]): boolean {
  if (!isTerminal(run.status)) return false
  if (run.status !== 'completed' || run.stopReason !== 'finished' || run.turns.length > 1) return true
  if ((run.receipt.steps ?? 0) > 0) return true
  return !messages.some(({ runId, role }) => runId === run.id && role === 'agent')
}
