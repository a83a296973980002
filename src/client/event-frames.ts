/** Server-sent events as they are read from an answer. No Node-only imports: browsers run it too. */

/** One event of a stream. */
export interface EventFrame {
  type: string
  data: string
  /** To go on behind it. */
  id: string | undefined
}

/** Of one event; a server of ours sends much less. */
const MOST_CHARS = 16_777_216

/** The events of a stream, until it ends; comments and what has no data are left out. @throws when the connection is cut */
export async function* readFrames(response: Response): AsyncGenerator<EventFrame> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (!reader) return
  let buffer = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const blocks = (buffer + value).split('\n\n')
      buffer = blocks.pop() ?? ''
      if (buffer.length > MOST_CHARS) throw new Error('an event has no end')
      for (const block of blocks) {
        const frame = frameOf(block)
        if (frame) yield frame
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

function frameOf(block: string): EventFrame | undefined {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const colon = line.indexOf(': ')
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 2))
  }
  const data = fields.get('data')
  return data === undefined ? undefined : { type: fields.get('event') ?? 'message', data, id: fields.get('id') }
}
