import { createServer } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

// Imported into the attacked process before its own code (NODE_OPTIONS=--import): how long its event loop was held up at most
// since it was last asked, in ms.

const RESOLUTION_MS = 5

// Its worker threads import this too.
if (isMainThread && process.env.LOOP_PROBE_PORT) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  createServer((_request, response) => {
    const maxMs = Math.max(0, delay.max / 1e6 - RESOLUTION_MS)
    delay.reset()
    response.end(JSON.stringify({ maxMs }))
  })
    .listen(Number(process.env.LOOP_PROBE_PORT), '127.0.0.1')
    .unref()
}
