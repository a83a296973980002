/**
 * A party in the terminal, over REST and Socket.IO only: `npm run demo -- "Tea or coffee?"`.
 * `--base-url http://localhost:8080/v1 --model NAME` has them speak with a model of one's own.
 * Uses the server that runs; without one it starts its own and stops it afterwards.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readProcessEnv } from '../config/env.ts'
import { PROVIDERS } from '../contract/providers.ts'
import { strategies, strategyView } from '../contract/views.ts'
import { type AgentView, ChatspartyClient, everyItem } from './client.ts'
import { agentsOn, type DemoModelServer } from './demo-model-server.ts'
import { PartyPrinter, receiptOf } from './demo-printer.ts'
import { isServing, startServer } from './demo-server.ts'
import { agentsWithTools, askInTerminal, giveTools } from './demo-tools.ts'
import { signInDemoUser } from './demo-user.ts'

const USAGE = `Usage: npm run demo -- "topic" [--strategy ${strategies.join('|')}] [--max-turns N] [--url URL]
       [--tools] [--model NAME [--base-url URL] [--provider KIND] [--api-key-env VARIABLE]]`
/** How many of the platform's agents take part. */
const PARTY_SIZE = 3

/** A mistake of whoever called: shown without a stack. */
class UsageError extends Error {}

interface Options {
  topic: string
  strategy: (typeof strategies)[number] | undefined
  maxTurns: number
  url: string | undefined
  /** A model of one's own; without it the platform's agents speak with theirs. */
  server: DemoModelServer | undefined
  /** They calculate, and look into files; one asks before it does. */
  tools: boolean
}

function readOptions(args: string[]): Options {
  const { values, positionals } = parse(args)
  const topic = positionals.join(' ').trim()
  if (!topic) throw new UsageError(USAGE)
  const strategy = strategyView.optional().safeParse(values.strategy)
  if (!strategy.success) throw new UsageError(`--strategy must be one of ${strategies.join(', ')}.`)
  const maxTurns = Number(values['max-turns'])
  if (!Number.isInteger(maxTurns) || maxTurns < 1) throw new UsageError('--max-turns must be a whole number from 1 on.')
  if (values.url !== undefined && !/^https?:\/\//.test(values.url)) {
    throw new UsageError('--url must begin with http:// or https://.')
  }
  return {
    topic,
    strategy: strategy.data,
    maxTurns,
    url: values.url?.replace(/\/+$/, ''),
    server: readServer(values),
    tools: values.tools,
  }
}

function readServer(values: ReturnType<typeof parse>['values']): DemoModelServer | undefined {
  const { model, provider, 'base-url': baseUrl, 'api-key-env': variable } = values
  if (model === undefined) {
    if (baseUrl ?? provider ?? variable) throw new UsageError(`--model is missing.\n${USAGE}`)
    return undefined
  }
  const apiKey = variable === undefined ? undefined : process.env[variable]
  if (variable !== undefined && !apiKey) throw new UsageError(`The environment has no ${variable}.`)
  const kind = PROVIDERS.find((known) => known === (provider ?? 'openai-compatible'))
  if (!kind) throw new UsageError(`--provider must be one of ${PROVIDERS.join(', ')}.`)
  return { model, provider: kind, baseUrl, apiKey }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        strategy: { type: 'string' },
        'max-turns': { type: 'string', default: '6' },
        url: { type: 'string' },
        tools: { type: 'boolean', default: false },
        model: { type: 'string' },
        'base-url': { type: 'string' },
        provider: { type: 'string' },
        'api-key-env': { type: 'string' },
      },
    })
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message.split('. ')[0] : error}\n${USAGE}`)
  }
}

/** The platform's demo agents. */
async function chooseAgents(client: ChatspartyClient): Promise<AgentView[]> {
  const agents: AgentView[] = []
  for await (const agent of everyItem((cursor) => client.agents.list({ cursor }))) {
    if (agent.scope === 'platform') agents.push(agent)
    if (agents.length === PARTY_SIZE) return agents
  }
  if (agents.length < 2) throw new UsageError('This server has no demo agents: run "npm run db:seed" on it.')
  return agents
}

/** Starts the party, prints it to its end; true when it ended well. */
async function hold(client: ChatspartyClient, options: Options, stop: AbortSignal): Promise<boolean> {
  const platform = await chooseAgents(client)
  if (options.tools && !options.server) {
    const { agents, giveBack } = await agentsWithTools(client, platform)
    return party(client, options, agents, stop).finally(giveBack)
  }
  if (!options.server) return party(client, options, platform, stop)
  const tell = (line: string) => void process.stdout.write(`${line}\n`)
  const { agents, giveBack } = await agentsOn(client, options.server, platform, tell)
  try {
    for (const [position, agent] of agents.entries()) if (options.tools) await giveTools(client, agent, position)
    tell('')
    return await party(client, options, agents, stop)
  } finally {
    await giveBack()
  }
}

async function party(
  client: ChatspartyClient,
  options: Options,
  agents: AgentView[],
  stop: AbortSignal,
): Promise<boolean> {
  const names = new Map(agents.map((agent) => [agent.id, agent.name]))
  const write = (text: string) => void process.stdout.write(text)
  write(`${[...names.values()].join(', ')} on: ${options.topic}\n\n`)
  const { conversationId, runId } = await client.startParty({
    agentIds: agents.map((agent) => agent.id),
    message: options.topic,
    maxTurns: options.maxTurns,
    strategy: options.strategy,
  })
  const printer = new PartyPrinter(write, (agentId) => names.get(agentId ?? '') ?? 'Somebody')
  for await (const change of client.follow(conversationId, { untilRun: runId, signal: stop })) {
    printer.show(change)
    if (change.type === 'run' && change.run.status === 'waiting') await askInTerminal(client, write, stop)
  }
  const run = stop.aborted ? await client.runs.cancel(runId) : await client.runs.get(runId)
  write(`${stop.aborted ? '\n' : ''}${receiptOf(run)}\n`)
  if (run.error) process.stderr.write(`The party failed: ${run.error.message}\n`)
  return run.status === 'completed'
}

async function main(): Promise<boolean> {
  const options = readOptions(process.argv.slice(2))
  const env = readProcessEnv()
  const url = options.url ?? `http://localhost:${env.PORT}`
  let stopServer = async () => {}
  const client = new ChatspartyClient({ url })
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  try {
    if (!(await isServing(url))) {
      if (options.url) throw new UsageError(`No Chatsparty server answers at ${url}.`)
      process.stdout.write(`No server at ${url}: starting one...\n`)
      stopServer = await startServer(url)
    }
    await signInDemoUser(client, url, join(env.DATA_DIR, 'demo-user.json'))
    return await hold(client, options, stop.signal)
  } finally {
    client.close()
    await stopServer()
  }
}

main().then(
  (isWell) => {
    process.exitCode = isWell ? 0 : 1
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = error instanceof UsageError ? 2 : 1
  },
)
