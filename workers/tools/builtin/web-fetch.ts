import { ToolFailed } from '../tool-source.ts'

/** Follows no redirect by itself, and obeys the outbound policy. */
type Hop = (url: string, init: RequestInit) => Promise<Response>

const MOST_HOPS = 5
const MOST_BYTES = 1_048_576
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const HTML = new Set(['text/html', 'application/xhtml+xml'])
const PLAIN = new Set([
  'application/json',
  'application/ld+json',
  'application/xml',
  'application/rss+xml',
  'application/atom+xml',
])

const failed = (message: string, cause?: unknown): ToolFailed => new ToolFailed('tool.fetch_failed', message, { cause })

/**
 * The readable text of a page, with its address and title. Sends no cookies and no name of ours beyond the usual.
 * @throws ToolFailed with words for the model
 */
export async function fetchText(address: string, hop: Hop, signal: AbortSignal): Promise<string> {
  const { response, url } = await follow(address, hop, signal)
  const type = (response.headers.get('content-type') ?? 'text/plain').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const isHtml = HTML.has(type)
  if (!response.ok) {
    await response.body?.cancel()
    throw failed(`${url} answered with status ${response.status}.`)
  }
  if (!isHtml && !PLAIN.has(type) && !type.startsWith('text/')) {
    await response.body?.cancel()
    throw failed(`${url} is of type ${type.slice(0, 100)}, which is not read: only pages and texts are.`)
  }
  const { bytes, isWhole } = await beginning(response, signal)
  const text = decoded(bytes, response.headers.get('content-type') ?? '')
  const words = isHtml ? await wordsOf(text) : text
  return `${url}\n${isWhole ? '' : '(Only its beginning was read.)\n'}\n${words.trim() || '(It has no text.)'}`
}

/** The parser of pages is loaded with the first: many workers read none. */
async function wordsOf(page: string): Promise<string> {
  const { readHtml } = await import('../../file-parsing/html-reader.ts')
  return [...readHtml(page)].map((section) => section.text.trim()).join('\n\n')
}

async function follow(address: string, hop: Hop, signal: AbortSignal): Promise<{ response: Response; url: string }> {
  let url = address
  for (let hops = 0; hops <= MOST_HOPS; hops++) {
    if (!URL.canParse(url)) throw failed('The address is none.')
    const accept = 'text/html, application/xhtml+xml, text/plain, application/json;q=0.9, */*;q=0.1'
    const response = await hop(url, { signal, headers: { accept, 'user-agent': 'Chatsparty web_fetch' } }).catch(
      (error: unknown) => {
        signal.throwIfAborted()
        throw failed(`${url.slice(0, 500)} cannot be reached.`, error)
      },
    )
    const location = response.headers.get('location')
    if (!REDIRECTS.has(response.status) || !location) return { response, url }
    await response.body?.cancel()
    if (!URL.canParse(location, url)) throw failed('The page redirects to an address that is none.')
    url = new URL(location, url).href
  }
  throw failed(`${address.slice(0, 500)} redirects too often.`)
}

/** As much of a body as is read; the rest is not waited for. */
async function beginning(response: Response, signal: AbortSignal): Promise<{ bytes: Buffer; isWhole: boolean }> {
  const pieces: Uint8Array[] = []
  let length = 0
  try {
    for await (const piece of response.body ?? []) {
      pieces.push(piece)
      length += piece.byteLength
      if (length > MOST_BYTES) return { bytes: Buffer.concat(pieces).subarray(0, MOST_BYTES), isWhole: false }
    }
  } catch (error) {
    signal.throwIfAborted()
    throw failed('The page broke off.', error)
  }
  return { bytes: Buffer.concat(pieces), isWhole: true }
}

function decoded(bytes: Uint8Array, contentType: string): string {
  const charset = contentType
    .split(';')
    .map((part) => part.trim().toLowerCase())
    .find((part) => part.startsWith('charset='))
  try {
    return new TextDecoder(charset?.slice('charset='.length).replaceAll('"', '') ?? 'utf-8').decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes)
  }
}
