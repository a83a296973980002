/** Sending a body whose progress is shown. No Node-only imports. */

/** Bytes of the body that have gone out, of all. What frames a file in a form counts too: some hundreds. */
export interface Progress {
  sent: number
  total: number
}

/** As much of a browser's as is used here; other places that run this file have none, nor its type. */
interface UploadRequest {
  readonly status: number
  readonly responseText: string
  readonly upload: { onprogress: ((event: { loaded: number; total: number }) => void) | null }
  onload: (() => void) | null
  onerror: (() => void) | null
  onabort: (() => void) | null
  open(method: string, url: string): void
  setRequestHeader(name: string, value: string): void
  getAllResponseHeaders(): string
  send(body: FormData | Blob): void
  abort(): void
}
declare const XMLHttpRequest: (new () => UploadRequest) | undefined

interface Sending {
  method: string
  headers: Record<string, string>
  body: FormData | Blob
  signal?: AbortSignal | undefined
}

/**
 * `fetch` does not tell what it has sent. Browsers have XMLHttpRequest, which does; elsewhere (Node) the body is a stream, and
 * what was taken of it is counted.
 * @throws TypeError without an answer; an AbortError when it was given up
 */
export function sendWatched(
  url: string,
  sending: Sending,
  onProgress: (progress: Progress) => void,
  fetcher: typeof fetch,
): Promise<Response> {
  return typeof XMLHttpRequest === 'undefined'
    ? sendCounted(url, sending, onProgress, fetcher)
    : sendByXhr(new XMLHttpRequest(), url, sending, onProgress)
}

function sendByXhr(
  request: UploadRequest,
  url: string,
  { method, headers, body, signal }: Sending,
  onProgress: (progress: Progress) => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const giveUp = () => request.abort()
    const over = (settle: () => void) => {
      signal?.removeEventListener('abort', giveUp)
      settle()
    }
    request.open(method, url)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.onprogress = ({ loaded, total }) => onProgress({ sent: loaded, total })
    request.onload = () => over(() => resolve(responseOf(request)))
    request.onerror = () => over(() => reject(new TypeError('No answer.')))
    request.onabort = () => over(() => reject(new DOMException('The request was given up.', 'AbortError')))
    if (signal?.aborted) return request.onabort()
    signal?.addEventListener('abort', giveUp)
    request.send(body)
  })
}

function responseOf(request: UploadRequest): Response {
  const headers = new Headers()
  for (const line of request.getAllResponseHeaders().trim().split('\r\n')) {
    const at = line.indexOf(': ')
    if (at > 0) headers.append(line.slice(0, at), line.slice(at + 2))
  }
  return new Response(request.status === 204 ? null : request.responseText, { status: request.status, headers })
}

async function sendCounted(
  url: string,
  { body, headers, ...rest }: Sending,
  onProgress: (progress: Progress) => void,
  fetcher: typeof fetch,
): Promise<Response> {
  const encoded = new Response(body)
  const type = encoded.headers.get('content-type')
  const total = body instanceof Blob ? body.size : sizeOf(body)
  let sent = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      sent += chunk.byteLength
      onProgress({ sent, total: Math.max(sent, total) })
      controller.enqueue(chunk)
    },
  })
  // `duplex` is what Node asks for with a stream; the types of browsers do not know it.
  const init = { ...rest, headers: type ? { ...headers, 'content-type': type } : headers, duplex: 'half' as const }
  return fetcher(url, { ...init, body: encoded.body?.pipeThrough(counter) ?? null })
}

const sizeOf = (form: FormData): number =>
  [...form.values()].reduce((sum, value) => sum + (value instanceof Blob ? value.size : value.length), 0)
