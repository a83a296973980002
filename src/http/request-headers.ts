/** Headers of requests that mean something on some routes, and what they mean. */
export const REQUEST_HEADERS = {
  'Idempotency-Key':
    'The same key with the same request is answered the same again, and done once. 1 to 255 printable ASCII characters.',
  Prefer:
    '`wait=N`: answers with the finished run when it ends within N seconds (1-60). On `/v1`, `whole-turns`: words go out when their turn is settled.',
  'X-Conversation-Id': 'The conversation that this goes on in; without it a new one begins.',
  'Last-Event-ID': 'The id of the last event that the client had: the stream goes on behind it.',
  Range: '`bytes=FIRST-LAST`: this part alone.',
  'If-Range': 'The `ETag` of what the client has a part of; all of it comes when it is another one.',
  'If-Match': 'The `ETag` of what the client has seen: 412 when somebody has changed it since.',
  'If-None-Match': 'The `ETag` of what the client has: 304 when it is the same still.',
} as const
export type RequestHeader = keyof typeof REQUEST_HEADERS
