import { readFileSync } from 'node:fs'

// Imported into a process before its own code (NODE_OPTIONS=--import): its wall clock goes wrong by as many ms as the file
// CLOCK_FILE says, from one moment to the next, as after a bad answer of a time server. Timers go on, as they do then.

const LOOK_EVERY_MS = 100
const file = process.env.CLOCK_FILE

if (file) {
  const Real = Date
  let wrongByMs = 0
  const now = () => Real.now() + wrongByMs
  globalThis.Date = new Proxy(Real, {
    apply: () => new Real(now()).toString(),
    construct: (target, args, newTarget) => Reflect.construct(target, args.length > 0 ? args : [now()], newTarget),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  })
  setInterval(() => {
    try {
      wrongByMs = Number(readFileSync(file, 'utf8')) || 0
    } catch {
      wrongByMs = 0
    }
  }, LOOK_EVERY_MS).unref()
}
