import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { eventually } from './pace.ts'
import { freePort, startProgram, type TestProcess } from './processes.ts'

export interface Balancer {
  url: string
  /** What it has said. */
  readonly output: string
  stop(): Promise<void>
}

const DOCS = resolve(import.meta.dirname, '../../docs')

/** Starts a balancer with its configuration of `docs/`, to which nothing is done but that it gets this test's ports. */
async function start(
  file: string,
  ports: readonly number[],
  command: (path: string, folder: string) => string[],
  change = (text: string) => text,
): Promise<Balancer> {
  const folder = await mkdtemp(join(tmpdir(), 'balancer-'))
  const port = await freePort()
  let text = change(await readFile(join(DOCS, file), 'utf8'))
  for (const [was, is] of [['127.0.0.1:4000', ports[0]] as const, ['127.0.0.1:4001', ports[1]] as const]) {
    text = text.replaceAll(was, `127.0.0.1:${is}`)
  }
  text = text.replace(
    /(listen |bind :)8080/,
    (_, before) => `${before === 'listen ' ? 'listen 127.0.0.1:' : 'bind 127.0.0.1:'}${port}`,
  )
  const path = join(folder, file)
  await writeFile(path, text)
  const running: TestProcess = startProgram(command(path, folder))
  const url = `http://127.0.0.1:${port}`
  await eventually(() =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
  return {
    url,
    get output() {
      return running.output
    },
    stop: async () => {
      await running.kill('SIGTERM')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export const BALANCERS: Record<'nginx' | 'haproxy', (ports: readonly number[]) => Promise<Balancer>> = {
  nginx: (ports) =>
    start(
      'nginx.conf',
      ports,
      (path, folder) => ['nginx', '-p', folder, '-c', path, '-g', 'daemon off; pid nginx.pid; error_log stderr;'],
      // The log of requests would go to where the system's nginx writes.
      (text) => text.replace(/access_log .*;/, 'access_log off;'),
    ),
  haproxy: (ports) => start('haproxy.cfg', ports, (path) => ['haproxy', '-db', '-f', path]),
}
