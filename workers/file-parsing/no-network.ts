import dgram from 'node:dgram'
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'

// Imported before anything that reads a file: whatever a file brings a library to do, it finds no way out from here. Where the
// platform permits it, the process has no network at all besides (`network-denial.ts`).
const denied = (): never => {
  throw new Error('This process has no network.')
}
net.Socket.prototype.connect = denied
net.Server.prototype.listen = denied
dgram.Socket.prototype.send = denied
dgram.Socket.prototype.bind = denied
dgram.Socket.prototype.connect = denied
for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6', 'resolveAny', 'reverse'] as const)
  Object.defineProperty(dns, name, { value: denied })
for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6', 'resolveAny', 'reverse'] as const)
  Object.defineProperty(dns.promises, name, { value: denied })
for (const name of ['fetch', 'WebSocket', 'EventSource']) {
  // Node loads all of its client for what is only replaced.
  Reflect.deleteProperty(globalThis, name)
  Object.defineProperty(globalThis, name, { value: denied })
}
syncBuiltinESMExports()
