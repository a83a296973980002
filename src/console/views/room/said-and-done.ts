import type { ToolCallView } from '../../../client/client.ts'

/** A part of a turn: words, or calls of tools that stand together. `at`: UTF-16 units of the turn's text before it. */
export type TurnPart =
  | { kind: 'words'; at: number; text: string }
  | { kind: 'calls'; at: number; calls: readonly ToolCallView[] }

/** The words of a turn, and its calls between them, as they came. Calls of which it is not known stand before all words. */
export function saidAndDone(text: string, calls: readonly ToolCallView[]): TurnPart[] {
  const parts: TurnPart[] = []
  let said = 0
  const sayUpTo = (to: number) => {
    // What stands between steps is for nobody to see.
    const words = text.slice(said, to).replace(/^\n+/, '').trimEnd()
    if (words !== '') parts.push({ kind: 'words', at: said, text: words })
    said = Math.max(said, to)
  }
  for (const call of [...calls].sort((a, b) => a.call - b.call)) {
    sayUpTo(Math.min(call.offset ?? 0, text.length))
    const last = parts.at(-1)
    if (last?.kind === 'calls') parts[parts.length - 1] = { ...last, calls: [...last.calls, call] }
    else parts.push({ kind: 'calls', at: said, calls: [call] })
  }
  sayUpTo(text.length)
  return parts
}
