import { expect } from 'chai'
import { ChatspartyClient } from '../../src/client/client.ts'
import { useWorld } from './world.ts'

const style = { friendliness: 'medium', humor: 'medium', formality: 'medium', verbosity: 'medium' }
const ADA = {
  name: 'Noor',
  instructions: 'You are a mathematician who asks for proofs. You never guess.',
  characteristics: 'precise, a little stern',
  avatar: '🧭',
  color: '#0f8f7e',
}

describe('The view of agents', () => {
  const world = useWorld()
  const apiOf = ({ token }: { token: string }) => new ChatspartyClient({ url: world.url, token })

  it('makes an agent, shows its prompt as it is written, and lets one talk with it at once', async () => {
    const user = await world.app.api.register()
    const visitor = await world.visitAs(user)
    const { page } = visitor
    await visitor.open('/agents')
    await page.getByRole('heading', { name: 'You have no agent of your own yet' }).waitFor()
    await visitor.check('agents-empty')
    await page.getByRole('link', { name: 'New agent' }).first().click()
    await page.getByLabel('Name', { exact: true }).fill('Grace')
    await page.getByLabel('Instructions').fill('You build compilers. You hate waste.')
    await page.getByRole('button', { name: 'Take 🔥' }).click()
    await page.getByRole('group', { name: 'Humour' }).getByText('Witty').click()
    const preview = page.getByRole('region', { name: 'What its model is told' })
    await preview.getByText(/You are Grace\.\s+You build compilers\./).waitFor()
    await preview.getByText(/witty/).waitFor()
    await page.getByRole('group', { name: 'It talks' }).getByText('In a party').click()
    await preview.getByText(/You take part in a conversation with the user and these agents/).waitFor()
    await page.getByLabel('Temperature').fill('0.4')
    await visitor.check('agents-new')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: 'Grace', level: 1 }).waitFor()
    const { data } = await apiOf(user).agents.list()
    expect(data[0]).to.deep.include({
      name: 'Grace',
      avatar: '🔥',
      temperature: 0.4,
      chatStyle: { ...style, humor: 'high' },
      connectionId: null,
    })
    await visitor.check('agents-editor')
    await page.getByLabel('Try it: say something').fill('Hello there')
    await page.getByRole('button', { name: 'Say it' }).click()
    await page.waitForURL(/\/c\/[0-9a-f-]{36}$/)
    const { data: conversations } = await apiOf(user).conversations.list()
    expect(conversations[0]?.agentIds).to.deep.equal([data[0]?.id])
    visitor.expectQuiet()
  })

  it('says what was changed elsewhere meanwhile, and overwrites it only when told to', async () => {
    const user = await world.app.api.register()
    const ada = await apiOf(user).agents.create(ADA)
    const visitor = await world.visitAs(user)
    const { page } = visitor
    await visitor.open(`/agents/${ada.id}`)
    await page.getByLabel('Character').fill('kind')
    await apiOf(user).agents.update(ada.id, { instructions: 'You doubt everything.' })
    visitor.expectComplaint(/412/)
    await page.getByRole('button', { name: 'Save' }).click()
    const notice = page.getByRole('alert').getByText('changed elsewhere: Instructions')
    await notice.waitFor()
    await visitor.check('agents-conflict')
    await page.getByRole('button', { name: 'Load what it is now' }).click()
    await page.getByText('You doubt everything.').first().waitFor()
    await page.getByLabel('Character').fill('kind')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Noor was saved.').waitFor()
    const saved = await apiOf(user).agents.get(ada.id)
    expect(saved).to.deep.include({ instructions: 'You doubt everything.', characteristics: 'kind' })
    visitor.expectQuiet()
  })

  it('says which parties use an agent before it is deleted, by keys alone', async () => {
    const user = await world.app.api.register()
    const ada = await apiOf(user).agents.create(ADA)
    const ben = await apiOf(user).agents.create({ ...ADA, name: 'Ben', avatar: null })
    await user.post('/api/parties', { name: 'Proofs', agentIds: [ada.id, ben.id] })
    const visitor = await world.visitAs(user)
    const { page } = visitor
    await visitor.open('/agents')
    await page.getByRole('button', { name: 'More on Noor' }).press('Enter')
    await page.getByRole('menuitem', { name: 'Delete' }).press('Enter')
    await page.getByText('It is used by “Proofs”').waitFor()
    await visitor.check('agents-delete')
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).press('Enter')
    await page.getByRole('link', { name: 'Noor' }).waitFor({ state: 'hidden' })
    expect((await user.get(`/api/agents/${ada.id}`)).status).to.equal(404)
    visitor.expectQuiet()
  })

  it('is not asked for again by its editor: not when it was saved there, nor when it was deleted', async () => {
    const user = await world.app.api.register()
    const ada = await apiOf(user).agents.create(ADA)
    const visitor = await world.visitAs(user)
    const { page } = visitor
    const read: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'GET' && request.url().endsWith(`/api/agents/${ada.id}`)) read.push(request.url())
    })
    await visitor.open(`/agents/${ada.id}`)
    await page.getByLabel('Character').fill('kind')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Noor was saved.').waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('You have no agent of your own yet').waitFor()
    expect(read).to.have.length(1)
    visitor.expectQuiet()
  })

  it('offers the models of the connection, shows the server’s words at its fields, and shows what is the platform’s as that', async () => {
    const user = await world.app.api.register()
    const visitor = await world.visitAs(user)
    const { page } = visitor
    const { data } = await apiOf(user).agents.list()
    const platform = data.find(({ scope }) => scope === 'platform')
    await visitor.open(`/agents/${platform?.id}`)
    await page.getByText('This agent belongs to the platform.').waitFor()
    expect(await page.getByRole('button', { name: 'Delete' }).count()).to.equal(0)
    expect(await page.getByLabel('Name', { exact: true }).isDisabled()).to.equal(true)
    await page.getByRole('link', { name: 'Make another like it' }).click()
    await page.getByRole('heading', { name: 'New agent' }).waitFor()
    await page.getByText(/model to choose from/).waitFor()
    visitor.expectComplaint(/400/)
    await page.getByLabel('Emoji or initials').fill('far too long')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByText(/must be one emoji/).waitFor()
    visitor.expectQuiet()
  })

  for (const look of [
    { locale: 'de-DE', dark: true, phone: true },
    { locale: 'ar-EG', phone: true },
    { locale: 'ar-EG', dark: true },
  ]) {
    const name = [look.locale.slice(0, 2), look.dark && 'dark', look.phone && 'phone'].filter(Boolean).join('-')
    it(`stands in every look: ${name}`, async () => {
      const user = await world.app.api.register()
      const ada = await apiOf(user).agents.create(ADA)
      await user.post('/api/agents', { ...ADA, name: 'Ein Agent mit einem wirklich sehr langen Namen', avatar: null })
      const visitor = await world.visitAs(user, look)
      await visitor.open('/agents')
      await visitor.page.getByRole('link', { name: 'Noor' }).waitFor()
      await visitor.check(`agents-${name}`)
      await visitor.open(`/agents/${ada.id}`)
      await visitor.page.getByRole('heading', { name: 'Noor', level: 1 }).waitFor()
      await visitor.settled()
      await visitor.check(`agents-editor-${name}`)
    })
  }
})
