import { connect } from 'node:net'
import { createInterface } from 'node:readline'

/** The commands that clients sent to this Redis while `work` ran, as MONITOR shows them; what scripts call is not among them. */
export async function commandsDuring(port: number, work: () => Promise<void>): Promise<string[]> {
  const socket = connect(port, '127.0.0.1', () => socket.write('MONITOR\r\n'))
  const commands: string[] = []
  const ready = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  socket.once('error', ready.reject)
  createInterface({ input: socket }).on('line', (line) => {
    if (line.startsWith('+OK')) ready.resolve()
    else if (line.includes('"END-OF-COUNT"')) ended.resolve()
    else if (!/^\+[\d.]+ \[\d+ lua\]/.test(line)) commands.push(line)
  })
  await ready.promise
  try {
    await work()
    const last = connect(port, '127.0.0.1', () => last.end('PING END-OF-COUNT\r\n'))
    await ended.promise
    last.destroy()
  } finally {
    socket.destroy()
  }
  return commands
}
