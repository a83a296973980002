import { createServer } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

// Imported into a process before its own code (NODE_OPTIONS=--import): answers how many bytes it holds when all garbage is collected.
// It says where on its output: `heap probe on <port>`.

// Its worker threads import this too.
if (isMainThread) {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  const server = createServer((_request, response) => {
    // What the first collection lets go has finalizers, whose garbage the second takes.
    if (typeof collect === 'function') for (let time = 0; time < 2; time++) collect()
    const { heapUsed, external } = process.memoryUsage()
    response.end(JSON.stringify({ bytes: heapUsed + external }))
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (typeof address === 'object' && address) console.log(`heap probe on ${address.port}`)
  })
  server.unref()
}
