import { createServer } from 'node:http'
import { noopLogger } from '@mastra/core/logger'
import { Mastra } from '@mastra/core/mastra'
import { MastraServer } from '@mastra/express'
import express from 'express'
import { benchAgent, benchProvider } from './bench-agent.ts'
import { announce } from './child.ts'

// Mastra's own server around an agent a model, as its documentation has it: no memory, no storage, nobody signs in.
const [providerUrl = '', ...models] = process.argv.slice(2)
const provider = benchProvider(providerUrl)
const agents = Object.fromEntries(models.map((model) => [model, benchAgent(provider, model)]))
const app = express()
app.use(express.json())
await new MastraServer({ app, mastra: new Mastra({ agents, logger: noopLogger }) }).init()
announce(createServer(app))
