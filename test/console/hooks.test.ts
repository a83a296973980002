import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect } from 'chai'
import { Webhook as Verifier } from 'standardwebhooks'
import { z } from 'zod'
import { signedInView } from '../../src/contract/account-views.ts'
import { eventually } from '../support/pace.ts'
import { useWorld, type Visitor } from './world.ts'

const LOOKS = [
  { name: 'german', locale: 'de-DE', phone: true, dark: true },
  { name: 'arabic', locale: 'ar-EG', phone: true },
]

const ticked = z.object({ data: z.array(z.object({ id: z.string(), status: z.string().optional() })) })

/** A receiver that keeps what it is sent with the headers, and takes it. */
async function startReceiver() {
  const received: { headers: Record<string, string>; body: string }[] = []
  const server = createServer((request, response) => {
    void (async () => {
      let body = ''
      for await (const piece of request.setEncoding('utf8')) body += piece
      const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as const)
      received.push({ headers: Object.fromEntries(headers), body })
      response.writeHead(204).end()
    })()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the receiver has no port')
  return {
    url: `http://127.0.0.1:${address.port}/hooks`,
    received,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

describe('Webhooks in the console', () => {
  const world = useWorld()

  /** Loads the page's list again until it says something: deliveries go out by themselves. */
  async function reloadUntil({ page }: Visitor, text: string | RegExp) {
    const wanted = page.getByRole('cell').filter({ hasText: text }).first()
    while (!(await wanted.isVisible())) {
      const answered = page.waitForResponse(/\/deliveries/)
      await page.getByRole('button', { name: 'Load again' }).click()
      await answered
    }
  }

  it('are added with a secret that is shown once, tell of a run, send it again, and are deleted', async () => {
    const user = await world.app.api.register()
    const receiver = await startReceiver()
    try {
      const visitor = await world.visitAs(user)
      const { page } = visitor
      await visitor.open('/webhooks')
      await page.getByText('No webhooks yet').waitFor()
      await visitor.check('hooks-none')
      await page.getByRole('button', { name: 'Add a webhook' }).click()
      await page.getByLabel('Address').fill('ftp://example.com')
      visitor.expectComplaint(/400/)
      await page.getByRole('button', { name: 'Create' }).click()
      await page.locator('[aria-invalid=true]').waitFor()
      await page.getByLabel('Address').fill(receiver.url)
      await page.getByLabel('Note').fill('For the nightly report')
      await visitor.check('hooks-new')
      await page.getByRole('button', { name: 'Create' }).click()
      const secret = await page.getByLabel('Secret', { exact: true }).inputValue()
      await visitor.check('hooks-secret')
      await page.getByRole('button', { name: 'Close' }).last().click()
      await page.getByRole('cell', { name: 'Run completed and Run failed' }).waitFor()
      await visitor.check('hooks')

      const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'You love tea.' })
      const { runId } = await user.accept('/api/chat', { agentId, message: 'Tea?' })
      await user.finished(runId)
      await page.getByRole('link', { name: receiver.url }).click()
      await reloadUntil(visitor, 'Delivered')
      await visitor.check('hooks-deliveries')
      const [first] = receiver.received
      if (!first) throw new Error('nothing was received')
      new Verifier(secret).verify(first.body, first.headers)
      await page.getByRole('button', { name: 'Send again' }).click()
      await page.getByText('It is sent once more.').waitFor()
      await eventually(() => receiver.received.length > 1)
      await reloadUntil(visitor, 'Delivered')
      expect(receiver.received.map(({ headers }) => headers['webhook-id'])).to.deep.equal(
        Array(2).fill(first.headers['webhook-id']),
      )
      await page.getByLabel('State').selectOption('failed')
      await page.getByText('No deliveries', { exact: true }).waitFor()

      await page.getByRole('link', { name: 'All webhooks' }).click()
      const menu = page.getByRole('button', { name: `More for ${receiver.url}` })
      await menu.click()
      await page.getByRole('menuitem', { name: 'Edit' }).click()
      expect(await page.getByLabel('Note').inputValue()).to.equal('For the nightly report')
      await page.getByLabel('Run failed').uncheck()
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByRole('cell', { name: 'Run completed', exact: true }).waitFor()
      await menu.click()
      await page.getByRole('menuitem', { name: 'Turn off' }).click()
      await page.getByRole('cell', { name: 'Off', exact: true }).waitFor()
      await menu.click()
      await page.getByRole('menuitem', { name: 'New secret' }).click()
      await page.getByRole('alertdialog').getByRole('button', { name: 'New secret' }).click()
      expect(await page.getByLabel('Secret', { exact: true }).inputValue()).not.to.equal(secret)
      await page.getByRole('button', { name: 'Close' }).last().click()
      await menu.click()
      await page.getByRole('menuitem', { name: 'Delete' }).click()
      await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
      await page.getByText('No webhooks yet').waitFor()
      visitor.expectQuiet()
    } finally {
      receiver.stop()
    }
  })

  for (const look of LOOKS) {
    it(`stand well in each look (${look.name})`, async () => {
      const user = await world.app.api.register()
      const id = await user.create('/api/webhooks', {
        url: 'https://example.com/a/rather/long/path/of/an/address/that/has/to/break/somewhere?of=chatsparty',
        events: ['run.completed', 'run.failed', 'credits.exhausted'],
      })
      const visitor = await world.visitAs(user, look)
      for (const [name, path] of [
        ['hooks', '/webhooks'],
        ['deliveries', `/webhooks/${id}`],
      ] as const) {
        await visitor.open(path)
        await visitor.page.getByText('rather/long').first().waitFor()
        await visitor.settled()
        await visitor.check(`${name}-${look.name}`)
      }
    })
  }

  it('are not for guests, who are told how to have them', async () => {
    const guest = signedInView.parse((await world.app.api.post('/api/auth/guest', undefined)).body)
    const visitor = await world.visitAs(guest)
    await visitor.open('/webhooks')
    await visitor.page.getByRole('link', { name: 'Keep this account' }).waitFor()
    await visitor.check('hooks-guest')
  })
})

describe('Schedules in the console', () => {
  const world = useWorld()

  /** Somebody with a saved party of two. */
  async function host() {
    const user = await world.app.api.register()
    const agentIds = await Promise.all(
      ['Ada', 'Ben'].map((name) => user.create('/api/agents', { name, instructions: 'You love tea.' })),
    )
    const partyId = await user.create('/api/parties', { name: 'Tea round', agentIds, maxTurns: 2 })
    return { user, agentIds, partyId }
  }

  it('are added by saying when and who, begin, are changed, paused and deleted', async () => {
    const { user } = await host()
    const visitor = await world.visitAs(user)
    const { page } = visitor
    await visitor.open('/schedules')
    await page.getByText('No schedules yet').waitFor()
    await visitor.check('schedules-none')
    await page.getByRole('button', { name: 'Add a schedule' }).click()
    await page.getByLabel('Name').fill('Morning tea')
    await page.getByLabel('How often').selectOption('Weekly')
    await page.getByLabel('Day of the week').selectOption('Tuesday')
    await page.getByLabel('Time', { exact: true }).fill('07:30')
    await page.getByLabel('Time zone').selectOption('Europe/Berlin')
    expect(await page.getByText('The next times:').locator('..').getByRole('listitem').allInnerTexts())
      .to.have.length(3)
      .and.satisfy((times: string[]) => times.every((time) => /^Tue.*0?7:30/.test(time)), 'Tuesdays')
    await page.getByLabel('What they are to talk about').fill('Which tea today?')
    await page.getByLabel('Credits a month').fill('50')
    await visitor.check('schedules-new')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByText(/^Every Tuesday at 0?7:30/).waitFor()
    await page.getByRole('cell', { name: 'Tea round' }).waitFor()
    await visitor.check('schedules')

    // Its time has come.
    await world.app.container.db.query(`UPDATE schedules SET next_at = date_trunc('second', now())`)
    await world.app.container.ticker.tick()
    const { data } = ticked.parse((await user.get('/api/schedules')).body)
    await eventually(async () => {
      const ticks = ticked.parse((await user.get(`/api/schedules/${data[0]?.id}/ticks`)).body).data
      return ticks.length > 0 && ticks.every(({ status }) => status !== 'due')
    })
    await page.getByRole('link', { name: 'Morning tea' }).click()
    await page.getByRole('cell', { name: 'Begun' }).waitFor()
    await visitor.check('schedules-ticks')
    await page.getByRole('link', { name: 'Open', exact: true }).click()
    await page.getByText('Which tea today?').first().waitFor()

    await visitor.open('/schedules')
    const menu = page.getByRole('button', { name: 'More for “Morning tea”' })
    await menu.click()
    await page.getByRole('menuitem', { name: 'Edit' }).click()
    expect(await page.getByLabel('Day of the week').inputValue()).to.equal('2')
    await page.getByLabel('How often').selectOption('Own cron expression')
    await page.getByLabel('Cron expression').fill('every now and then')
    await page.getByText('No time that is still to come.').waitFor()
    visitor.expectComplaint(/400/)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('[aria-invalid=true]').waitFor()
    await page.getByLabel('Cron expression').fill('0 9 1 1,7 *')
    await page.getByLabel('Who talks').selectOption('Agents, chosen one by one')
    await page.getByRole('checkbox', { name: 'Ben' }).first().check()
    await page.getByRole('checkbox', { name: 'Ada' }).first().check()
    await page.getByText('Speaks at place 2').waitFor()
    await visitor.check('schedules-change')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('cell', { name: '2 agents' }).waitFor()
    await page.getByText('0 9 1 1,7 *').waitFor()
    await menu.click()
    await page.getByRole('menuitem', { name: 'Pause' }).click()
    await page.getByRole('cell', { name: 'Paused' }).waitFor()
    await menu.click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('No schedules yet').waitFor()
    visitor.expectQuiet()
  })

  for (const look of LOOKS) {
    it(`stand well in each look (${look.name})`, async () => {
      const { user, partyId } = await host()
      const id = await user.create('/api/schedules', {
        name: 'Weekly look back',
        cron: '30 17 * * 5',
        timeZone: 'Africa/Cairo',
        party: { partyId, message: 'What was good?' },
      })
      const visitor = await world.visitAs(user, look)
      for (const [name, path] of [
        ['schedules', '/schedules'],
        ['ticks', `/schedules/${id}`],
      ] as const) {
        await visitor.open(path)
        await visitor.page.getByText('Weekly look back').first().waitFor()
        await visitor.settled()
        await visitor.check(`${name}-${look.name}`)
      }
    })
  }

  it('are not for guests, who are told how to have them', async () => {
    const guest = signedInView.parse((await world.app.api.post('/api/auth/guest', undefined)).body)
    const visitor = await world.visitAs(guest)
    await visitor.open('/schedules')
    await visitor.page.getByRole('link', { name: 'Keep this account' }).waitFor()
  })
})
