import { askChild } from './child.ts'
import { turnsResult } from './load-tasks.ts'
import { cpuOf } from './process-figures.ts'
import type { Stage } from './stage.ts'

/** Mastra looks for news and sends figures home unless told not to. */
const ENV = { MASTRA_TELEMETRY_DISABLED: '1', MASTRA_OFFLINE: '1' }

interface BareTask {
  layer: 'agent' | 'provider'
  model: string
  clients: number
  /** Until then each client begins again, or until it had so many turns. */
  ms?: number
  turns?: number
}

/** Mastra's agent and the SDK's provider in loops of their own, in a process of their own. */
export async function startBare(stage: Stage) {
  const { process: child, url } = await stage.child('test/bench/bare.child.ts', {
    args: [await stage.modelUrl()],
    env: ENV,
  })
  return {
    pid: child.pid,
    cpu: { node: () => cpuOf(child.pid) },
    run: (task: BareTask) => askChild(url, task, turnsResult),
    stop: () => child.kill('SIGKILL'),
  }
}

/** `@mastra/express` around one agent for each of these models, which is also the agent's name. */
export async function startMastraServer(stage: Stage, models: string[]) {
  const { process: child, url } = await stage.child('test/bench/mastra-server.child.ts', {
    args: [await stage.modelUrl(), ...models],
    env: ENV,
  })
  return { url, cpu: { node: () => cpuOf(child.pid) }, stop: () => child.kill('SIGKILL') }
}
