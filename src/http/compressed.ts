import compression from 'compression'

/** Below this it costs more than it saves, in bytes. */
const LEAST_BYTES = 1_024
const TEXTS = /^(application\/json|text\/(html|css|javascript))\b/
/** Where secrets are told: the length of what is compressed with them would tell of them. */
const SECRET = /^\/api\/(auth|keys|webhooks|invitations|tickets)\b/
/** Lists of links have their tokens. */
const isSecret = (path: string) => SECRET.test(path) || path.includes('/shares')

/** JSON, pages and scripts, for clients that take them compressed; never what comes piece by piece, and no files. */
export const compressed = compression({
  threshold: LEAST_BYTES,
  filter: ({ originalUrl }, response) =>
    TEXTS.test(String(response.getHeader('content-type') ?? '')) && !isSecret(originalUrl),
})
