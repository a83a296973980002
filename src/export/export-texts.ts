import { inline, quoted } from './markdown.ts'

/** What of a message its readable form needs. */
export interface ExportedMessage {
  role: string
  agent_name: string | null
  content: string
  status: string
  created_at: string
}

/** A JSON array, a row a line. */
export async function* jsonList(
  rows: AsyncIterable<{ row: unknown }> | Iterable<{ row: unknown }>,
): AsyncGenerator<string> {
  let isFirst = true
  for await (const { row } of rows) {
    yield `${isFirst ? '[\n' : ',\n'}${JSON.stringify(row)}`
    isFirst = false
  }
  yield isFirst ? '[]\n' : '\n]\n'
}

/** A conversation to read. */
export async function* markdownOf(
  title: string | null,
  messages: AsyncIterable<{ row: ExportedMessage }>,
): AsyncGenerator<string> {
  yield `# ${inline(title ?? 'Conversation')}\n`
  for await (const { row } of messages) {
    const who = row.role === 'user' ? 'You' : inline(row.agent_name ?? 'System')
    const how = row.status === 'complete' ? '' : `, ${row.status}`
    yield `\n**${who}** (${row.created_at}${how})\n\n${quoted(row.content)}\n`
  }
}
