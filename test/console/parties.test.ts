import { expect } from 'chai'
import { ChatspartyClient } from '../../src/client/client.ts'
import { useWorld } from './world.ts'

describe('The view of parties', () => {
  const world = useWorld()
  const apiOf = ({ token }: { token: string }) => new ChatspartyClient({ url: world.url, token })

  it('puts a party together, in its order, with how and until when, changes it, and deletes it', async () => {
    const user = await world.app.api.register()
    const visitor = await world.visitAs(user)
    const { page } = visitor
    await visitor.open('/parties')
    await page.getByRole('heading', { name: 'No parties yet' }).waitFor()
    await visitor.check('parties-empty')
    await page.getByRole('link', { name: 'New party' }).first().click()
    await page.getByLabel('Name', { exact: true }).fill('Tea or coffee')
    for (const name of ['Ada', 'Blaise', 'Clara'])
      await page.getByLabel('Let somebody join').selectOption({ label: name })
    await page.getByRole('button', { name: 'Move Clara up' }).click()
    await page.getByText('All answer at once').click()
    await page.getByLabel('Rounds at most').fill('2')
    await page.getByLabel('Words that end it').fill('Agreed')
    await visitor.check('parties-new')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: 'Tea or coffee', level: 1 }).waitFor()
    await visitor.check('parties-editor')
    const client = apiOf(user)
    const [party] = (await client.parties.list()).data
    expect(party?.agents.map(({ name }) => name)).to.deep.equal(['Ada', 'Clara', 'Blaise'])
    expect(party).to.deep.include({ strategy: 'panel', maxTurns: null, stop: { maxRounds: 2, phrase: 'Agreed' } })
    await page.getByRole('button', { name: 'Take Blaise out' }).click()
    await client.parties.update(party?.id ?? '', { stop: { maxRounds: 3 } })
    visitor.expectComplaint(/412/)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('alert').getByText('Rounds at most').waitFor()
    await page.getByRole('button', { name: 'Save mine' }).click()
    // What was said of the first time it was saved may still be shown.
    await page.getByText('There are changes that are not saved.').waitFor({ state: 'detached' })
    await page.getByText('Tea or coffee was saved.').last().waitFor()
    const changed = await client.parties.get(party?.id ?? '')
    expect(changed.agents.map(({ name }) => name)).to.deep.equal(['Ada', 'Clara'])
    expect(changed.stop.maxRounds).to.equal(2)
    await page.getByRole('link', { name: 'Start' }).click()
    await page.waitForURL(new RegExp(`/c/new\\?party=${party?.id}`))
    await page.goBack()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { name: 'No parties yet' }).waitFor()
    visitor.expectQuiet()
  })

  for (const look of [{ locale: 'de-DE', dark: true, phone: true }, { locale: 'ar-EG' }]) {
    it(`stands in every look, with somebody gone too: ${look.locale}`, async () => {
      const user = await world.app.api.register()
      const client = apiOf(user)
      const { data } = await client.agents.list()
      const gone = await client.agents.create({ name: 'Noor', instructions: 'You leave early.' })
      const agentIds = data.map(({ id }) => id)
      const party = await client.parties.create({
        name: 'Runde',
        agentIds: [...agentIds, gone.id],
        strategy: 'handoff',
      })
      await client.parties.create({ name: 'Podium', agentIds, strategy: 'panel' })
      await client.agents.delete(gone.id)
      const visitor = await world.visitAs(user, look)
      await visitor.open('/parties')
      await visitor.page.getByText('Podium').first().waitFor()
      await visitor.check(`parties-${look.locale}`)
      await visitor.open(`/parties/${party.id}`)
      await visitor.page.getByRole('heading', { name: 'Runde', level: 1 }).waitFor()
      await visitor.check(`parties-editor-${look.locale}`)
    })
  }
})
