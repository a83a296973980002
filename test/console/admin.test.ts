import { expect } from 'chai'
import { ADMIN } from '../support/app.ts'
import { useWorld } from './world.ts'

describe('Administration in the console', () => {
  const world = useWorld()
  const admin = () => world.app.api.login(ADMIN.email, ADMIN.password)

  it('finds a user, grants credits with a reason, and suspends and lets in again', async () => {
    const user = await world.app.api.register('grace@example.com')
    await world.app.api.register('ada@example.com')
    const visitor = await world.visitAs(await admin())
    const { page } = visitor
    await visitor.open('/admin')
    await page.getByRole('cell', { name: 'ada@example.com' }).waitFor()
    await visitor.check('admin-users')
    await page.getByRole('searchbox', { name: 'Search', exact: true }).fill('Grac')
    await page.getByRole('cell', { name: 'ada@example.com' }).waitFor({ state: 'detached' })
    const menu = page.getByRole('button', { name: /^What to do with/ })
    await menu.click()
    await page.getByRole('menuitem', { name: 'Grant credits' }).click()
    await page.getByRole('textbox', { name: 'Credits' }).fill('12,5')
    await page.getByLabel('Reason').fill('A prize')
    await visitor.check('admin-grant')
    await page.getByRole('dialog').getByRole('button', { name: 'Grant credits' }).click()
    await page.getByText('Granted.', { exact: true }).waitFor()
    expect((await user.get('/api/credits/balance')).body).to.include({ available: '10012.500000' })
    await menu.click()
    await page.getByRole('menuitem', { name: 'Credits and sessions' }).click()
    await page.getByText('10,012.5').first().waitFor()
    await visitor.check('admin-user')
    await page.keyboard.press('Escape')
    await menu.click()
    await page.getByRole('menuitem', { name: 'Suspend' }).click()
    await page.getByLabel('Reason').fill('Spam')
    await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click()
    await page.getByText('suspended: Spam').waitFor()
    expect((await user.get('/api/auth/me')).status).to.equal(401)
    await menu.click()
    await page.getByRole('menuitem', { name: 'Let in again' }).click()
    await page.getByRole('cell', { name: 'active' }).waitFor()
    await world.app.api.login(user.email, 'correct horse battery')
  })

  it('invites, changes a price by another version, and shows what was done', async () => {
    const visitor = await world.visitAs(await admin())
    const { page } = visitor
    await visitor.open('/admin/invitations')
    await page.getByRole('button', { name: 'Make an invitation' }).click()
    await visitor.check('admin-invite')
    await page.getByRole('button', { name: 'Create' }).click()
    expect(await page.getByLabel('Code').inputValue()).to.match(/\S{8,}/)
    await page.keyboard.press('Escape')
    await page.getByRole('cell', { name: '0 of 1' }).waitFor()
    await page.getByRole('link', { name: 'Prices' }).click()
    await page
      .getByRole('button', { name: /^Change the price of/ })
      .first()
      .click()
    await page.getByLabel('Output', { exact: true }).fill('77.25')
    await visitor.check('admin-price')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('cell', { name: '77.25' }).first().waitFor()
    await visitor.check('admin-prices')
    await page
      .getByRole('button', { name: /^Versions of the price/ })
      .first()
      .click()
    await page.getByRole('dialog').getByRole('row').nth(2).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('link', { name: 'Log' }).click()
    await page.getByRole('cell', { name: 'price.changed' }).first().waitFor()
    await visitor.check('admin-log')
  })

  for (const look of [
    { name: 'german', locale: 'de-DE', phone: true, dark: true },
    { name: 'arabic', locale: 'ar-EG' },
  ]) {
    it(`stands well in each look (${look.name})`, async () => {
      const visitor = await world.visitAs(await admin(), look)
      for (const part of ['', '/runs', '/system', '/losses']) {
        await visitor.open(`/admin${part}`)
        await visitor.settled()
        await visitor.check(`admin${part.replace('/', '-')}-${look.name}`)
      }
    })
  }

  it('is nothing that others see', async () => {
    const visitor = await world.visitAs(await world.app.api.register())
    await visitor.open('/admin')
    await visitor.page.getByRole('heading', { name: 'Not found' }).waitFor()
    expect(await visitor.page.getByRole('link', { name: 'Administration' }).count()).to.equal(0)
  })
})
