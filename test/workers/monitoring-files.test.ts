import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { z } from 'zod'
import { startMonitoring } from '../../src/monitoring.ts'
import { usePartyWorld } from './party-world.ts'

const docs = new URL('../../docs/', import.meta.url)
const read = (name: string) => readFile(new URL(name, docs), 'utf8')
const dashboard = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).min(1) })),
})
/** Names of figures in a query: those of this product, and of Node. `up` is Prometheus' own. */
const namesIn = (text: string): string[] =>
  Array.from(text.matchAll(/\b(?:chatsparty|nodejs|process)_[a-z0-9_]+/g), ([name]) => name)

describe('Dashboard, alerts and scaling', () => {
  const world = usePartyWorld({ env: { METRICS_TOKEN: 'a-token-for-prometheus' } })
  /** Every figure that a process has, with its labels where it has values. */
  let figures: Map<string, string>
  before(async () => {
    await startMonitoring(world.app.container)
    const page = await world.app.container.metrics.text()
    figures = new Map(Array.from(page.matchAll(/^# TYPE (\S+) (\w+)$/gm), ([, name = '', type = '']) => [name, type]))
  })
  const unknown = (text: string) => namesIn(text).filter((name) => !figures.has(name) && !isOfHistogram(name))
  const isOfHistogram = (name: string) => figures.get(name.replace(/_(bucket|count|sum)$/, '')) === 'histogram'
  const alertsOf = (rules: string) => Array.from(rules.matchAll(/^ +- alert: (\w+)$/gm), ([, name = '']) => name)

  it('name figures that exist', async () => {
    const { panels } = dashboard.parse(JSON.parse(await read('monitoring/dashboard.json')))
    const [rules, keda, runbook] = await Promise.all(
      ['monitoring/alerts.yaml', 'monitoring/keda.yaml', 'operating.md'].map(read),
    )
    const seeing = (runbook ?? '').split('\n## Seeing\n')[1] ?? ''
    expect(namesIn(seeing)).not.to.be.empty
    expect(panels.length).to.be.greaterThan(15)
    const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
    expect(queries.filter((query) => namesIn(query).length === 0)).to.deep.equal([])
    for (const text of [...queries, rules ?? '', keda ?? '', seeing]) expect(unknown(text)).to.deep.equal([])
    expect(namesIn(keda ?? '')).to.include('chatsparty_oldest_waiting_turn_seconds')
  })

  it('show every figure of the product somewhere', async () => {
    const texts = await Promise.all(['monitoring/dashboard.json', 'monitoring/alerts.yaml'].map(read))
    const shown = new Set(texts.flatMap(namesIn).map((name) => name.replace(/_(bucket|count|sum)$/, '')))
    const ours = [...figures.keys()].filter((name) => name.startsWith('chatsparty_'))
    expect(ours.filter((name) => !shown.has(name))).to.deep.equal([])
  })

  it('have a line in the runbook for each alert, and none for what is no alert', async () => {
    const [rules = '', runbook = ''] = await Promise.all(['monitoring/alerts.yaml', 'operating.md'].map(read))
    const alerts = alertsOf(rules)
    expect(alerts.length).to.be.greaterThan(10)
    expect(rules.match(/^ +expr: /gm)?.length).to.equal(alerts.length)
    const lines = Array.from(runbook.matchAll(/^\| `(Chatsparty\w+)` +\| \S/gm), ([, name = '']) => name)
    expect(lines).to.have.members(alerts)
  })
})
