import { expect } from 'chai'
import { ChatspartyClient } from '../../src/client/client.ts'
import { ADMIN } from '../support/app.ts'
import { useWorld } from './world.ts'

const KEY = 'sk-a-key-that-nobody-sees-7f3a'

describe('The view of connections', () => {
  const world = useWorld()
  const apiOf = ({ token }: { token: string }) => new ChatspartyClient({ url: world.url, token })

  it('connects a provider, keeps its key to itself, tests it, and says in words what is wrong', async () => {
    const user = await world.app.api.register()
    const visitor = await world.visitAs(user)
    const { page } = visitor
    await visitor.open('/connections')
    await page.getByRole('heading', { name: 'You have no connection of your own yet' }).waitFor()
    await visitor.check('connections-empty')
    await page.getByRole('button', { name: 'Add a connection' }).first().click()
    await page.getByRole('button', { name: /vLLM/ }).waitFor()
    await visitor.check('connections-providers')
    await page.getByRole('button', { name: /vLLM/ }).click()
    await page.getByLabel('Name', { exact: true }).fill('My server')
    await page.getByLabel('API key').fill(KEY)
    // Nobody listens at this port.
    await page.getByLabel('Base URL').fill('http://127.0.0.1:9/v1')
    await visitor.check('connections-new')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Key ends in 7f3a').waitFor()
    expect(await page.content()).not.to.contain(KEY)
    await page.getByRole('button', { name: 'Test My server' }).click()
    await page.getByText('The model provider could not be reached in time.').waitFor()
    await visitor.check('connections-failed')
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByText('The key that ends in 7f3a stays').waitFor()
    await page.getByRole('dialog').getByLabel('Model', { exact: true }).fill('another-model')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('another-model').waitFor()
    const { data } = await apiOf(user).connections.list()
    expect(data[0]).to.deep.include({ model: 'another-model', apiKeyLast4: '7f3a', hasApiKey: true, isDefault: true })
    visitor.expectQuiet()
  })

  it('lets an administrator add one for everybody, which is not the default unless that is said', async () => {
    const visitor = await world.visitAs(await world.app.api.login(ADMIN.email, ADMIN.password))
    const { page } = visitor
    await visitor.open('/connections')
    await page.getByRole('button', { name: 'Add a connection' }).first().click()
    await page.getByRole('button', { name: /vLLM/ }).click()
    await page.getByLabel('Name', { exact: true }).fill('Our own server')
    await page.getByLabel('Base URL').fill('http://127.0.0.1:9/v1')
    await page.getByLabel('For everybody: of the platform').check()
    await visitor.check('connections-platform')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Our own server' }).waitFor()
    const { data } = await apiOf(await world.app.api.register()).connections.list()
    expect(data.find(({ name }) => name === 'Our own server')).to.include({ scope: 'platform', isDefault: false })
    visitor.expectQuiet()
  })

  it('tests one that works, and deletes it after it has asked', async () => {
    const user = await world.app.api.register()
    await apiOf(user).connections.create({ name: 'Player', provider: 'demo', model: 'demo-1' })
    const visitor = await world.visitAs(user)
    const { page } = visitor
    await visitor.open('/connections')
    await page.getByRole('button', { name: 'Test Player' }).click()
    await page.getByText(/demo-1 answered after/).waitFor()
    await visitor.check('connections-works')
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { name: 'You have no connection of your own yet' }).waitFor()
    visitor.expectQuiet()
  })

  for (const look of [{ locale: 'de-DE', dark: true, phone: true }, { locale: 'ar-EG' }]) {
    it(`stands in every look: ${look.locale}`, async () => {
      const user = await world.app.api.register()
      await apiOf(user).connections.create({ name: 'Player', provider: 'demo', model: 'demo-1', isDefault: true })
      const visitor = await world.visitAs(user, look)
      await visitor.open('/connections')
      await visitor.page.getByText('Player').first().waitFor()
      await visitor.check(`connections-${look.locale}`)
    })
  }
})
