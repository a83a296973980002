// First, before anything that reads a file.
import './no-network.ts'
import { once } from 'node:events'
import { parseFile } from './parse.ts'
import { requestIn } from './request.ts'

// The process that reads one file and ends. Its only argument is the request; standard output carries the answer, so what
// libraries print must not go there.
for (const level of ['log', 'info', 'debug'] as const) console[level] = console.error

// Standard input never says anything: it ends when the parent dies, and then nobody wants the answer.
process.stdin.on('end', () => process.exit(1)).resume()

for await (const message of parseFile(requestIn(process.argv[2] ?? ''))) {
  if (!process.stdout.write(`${JSON.stringify(message)}\n`)) await once(process.stdout, 'drain')
}
process.exitCode = 0
process.stdin.destroy()
