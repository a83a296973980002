import { expect } from 'chai'
import type { Locator } from 'playwright-core'
import { eventually } from '../support/pace.ts'
import { PASSWORD, useWorld } from './world.ts'

/** Of scripts and styles, compressed, until the first view stands. */
const FIRST_LOAD_BYTES = 200 * 1_024

const isFocused = (element: Locator) =>
  element
    .and(element.page().locator(':focus'))
    .count()
    .then((count) => count === 1)

describe('The console', () => {
  const world = useWorld()
  let count = 0
  const newEmail = () => {
    count++
    return `person-${count}@example.com`
  }

  it('is loaded in at most 200 KB, asks nobody else, and has no serious issue of accessibility', async () => {
    const visitor = await world.visit()
    await visitor.open('/')
    await visitor.page.getByRole('heading', { level: 1 }).waitFor()
    await visitor.page.waitForLoadState('networkidle')
    expect(visitor.loadedBytes).to.be.within(50_000, FIRST_LOAD_BYTES)
    console.log(`      first load: ${Math.round(visitor.loadedBytes / 1_024)} KB`)
    await visitor.check('welcome')
  })

  it('has somebody try it: one click without an account, and agents talk; leaving is asked about', async () => {
    const visitor = await world.visit()
    const { page } = visitor
    await visitor.open('/')
    await page.getByRole('button', { name: /^Debate/ }).click()
    await page.waitForURL(/\/c\/[0-9a-f-]{36}$/)
    const token = String(await page.evaluate('localStorage.getItem("chatsparty.token")'))
    const headers = { authorization: `Bearer ${token}` }
    const id = page.url().split('/').at(-1)
    const { body } = await world.app.api.request('GET', `/api/chat/conversations/${id}`, undefined, headers)
    expect(Object(body).messages.data[0].content).to.equal('Should all meetings be held standing on one leg?')
    await visitor.open('/')
    await page.getByText('You look around as a guest.').waitFor()
    await visitor.check('home-guest')
    await page.getByRole('button', { name: /^Account Guest/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('alertdialog', { name: 'Leave as a guest?' }).waitFor()
    await visitor.check('guest-leaves')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('alertdialog').waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: /^Account Guest/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Let your agents talk it over.' }).waitFor()
    visitor.expectQuiet()
  })

  it('invites nobody to try it where no guests are taken', async () => {
    const visitor = await world.visit()
    await visitor.page.route('**/api/auth/guest', (route) =>
      route.fulfill({ json: { offered: false, credits: '0', days: 7 } }),
    )
    await visitor.open('/')
    await visitor.page.getByRole('heading', { name: 'Runs on your own server' }).waitFor()
    expect(await visitor.page.getByRole('button', { name: /^Debate/ }).count()).to.equal(0)
  })

  it('signs up, stays signed in over a reload, signs out, and signs in again, back to where one wanted to go', async () => {
    const visitor = await world.visit()
    const { page } = visitor
    const email = newEmail()
    await visitor.open('/agents')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(new URL(page.url()).search).to.equal('?next=%2Fagents')
    await visitor.check('sign-in')
    await page.getByRole('link', { name: 'Create an account' }).click()
    await page.getByLabel('Name').fill('Ada Lovelace')
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password').fill(PASSWORD)
    await visitor.check('sign-up')
    await page.getByRole('button', { name: 'Create an account' }).click()
    await page.getByRole('heading', { name: 'Agents', exact: true }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Agents', exact: true }).waitFor()
    await page.waitForLoadState('networkidle')
    console.log(`      first load, signed in, twice: ${Math.round(visitor.loadedBytes / 1_024)} KB`)
    await page.getByRole('button', { name: /^Account Ada Lovelace/ }).click()
    await page.getByRole('menuitem', { name: 'Profile' }).waitFor()
    await visitor.check('account-menu')
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await page.evaluate('localStorage.getItem("chatsparty.token")')).to.equal(null)
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password').fill('a wrong password')
    visitor.expectComplaint(/401/)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').getByText('is wrong').waitFor()
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByLabel('Password').press('Enter')
    await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor()
    await visitor.check('home')
    // What one writes and does not send is there again, and for nobody else who signs in here.
    const words = page.getByRole('textbox', { name: 'Message' })
    const isWritten = async () => {
      await visitor.open('/c/new')
      return words.inputValue()
    }
    expect(await isWritten()).to.equal('')
    await words.fill('For my eyes only.')
    await page.getByRole('button', { name: /^Account Ada Lovelace/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByLabel('Password').press('Enter')
    await page.getByRole('button', { name: /^Account/ }).waitFor()
    expect(await isWritten()).to.equal('For my eyes only.')
    await page.getByRole('button', { name: /^Account Ada Lovelace/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByLabel('E-mail address').fill((await world.app.api.register()).email)
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByLabel('Password').press('Enter')
    await page.getByRole('button', { name: /^Account/ }).waitFor()
    expect(await isWritten()).to.equal('')
  })

  it('sends whose session has ended elsewhere to sign in, and back', async () => {
    const user = await world.app.api.register()
    const visitor = await world.visitAs(user)
    await visitor.open('/files?folder=1')
    await visitor.page.getByRole('heading', { name: 'Files', exact: true }).waitFor()
    visitor.expectComplaint(/401/)
    await user.post('/api/auth/logout', {})
    await visitor.page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(new URL(visitor.page.url()).searchParams.get('next')).to.equal('/files?folder=1')
    visitor.expectQuiet()
  })

  it('speaks the language of the browser, and another one when it is chosen, from right to left too', async () => {
    const user = await world.app.api.register()
    const visitor = await world.visitAs(user, { locale: 'de-DE' })
    const { page } = visitor
    await visitor.open('/')
    await page.getByRole('link', { name: 'Agenten', exact: true }).waitFor()
    await visitor.check('home-german')
    await page.getByRole('button', { name: /^Konto/ }).click()
    await page.getByRole('menuitemradio', { name: 'العربية' }).click()
    await page.getByRole('link', { name: 'الوكلاء', exact: true }).waitFor()
    expect(await page.evaluate('[document.documentElement.lang, document.documentElement.dir]')).to.deep.equal([
      'ar',
      'rtl',
    ])
    await page.keyboard.press('Escape')
    await page.reload()
    await page.getByRole('link', { name: 'الوكلاء', exact: true }).waitFor()
    await visitor.check('home-arabic')
    const stranger = await world.visit({ locale: 'ar-EG', phone: true, dark: true })
    await stranger.open('/')
    await stranger.settled()
    await stranger.check('welcome-arabic-phone-dark')
  })

  it('is dark where the system is, or when that is chosen', async () => {
    const user = await world.app.api.register()
    const visitor = await world.visitAs(user, { dark: true })
    const { page } = visitor
    const ground = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    await visitor.open('/')
    await page.getByRole('heading', { level: 1 }).waitFor()
    const dark = await ground()
    await visitor.check('home-dark')
    await page.getByRole('button', { name: /^Account/ }).click()
    await page.getByRole('menuitemradio', { name: 'Light' }).click()
    // With the next frame: until then the style that is computed is of the one before.
    await eventually(async () => (await ground()) !== dark)
    await page.keyboard.press('Escape')
    await page.reload()
    await page.getByRole('heading', { level: 1 }).waitFor()
    expect(await ground()).not.to.equal(dark)
  })

  for (const locale of ['en-GB', 'ar-EG']) {
    it(`has its side bar in a drawer on a phone (${locale})`, async () => {
      const user = await world.app.api.register()
      const visitor = await world.visitAs(user, { phone: true, dark: locale === 'en-GB', locale })
      const { page } = visitor
      await visitor.open('/agents')
      await page.getByRole('heading', { level: 1 }).waitFor()
      await visitor.check(`phone-${locale}`)
      await page.getByRole('button', { name: /Open the menu|فتح القائمة/ }).click()
      await page.getByRole('dialog').waitFor()
      await visitor.check(`phone-drawer-${locale}`)
      await page
        .getByRole('dialog')
        .getByRole('link', { name: /^(Files|الملفات)$/ })
        .click()
      await page.getByRole('heading', { name: /^(Files|الملفات)$/ }).waitFor()
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
    })
  }

  it('is used by keys alone: past the side bar, to views, and shows which keys there are', async () => {
    const user = await world.app.api.register()
    const visitor = await world.visitAs(user)
    const { page } = visitor
    await visitor.open('/')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.keyboard.press('Tab')
    const skip = page.getByRole('link', { name: 'Skip to the content' })
    expect(await isFocused(skip)).to.equal(true)
    await page.keyboard.press('g')
    await page.keyboard.press('f')
    await page.getByRole('heading', { name: 'Files', exact: true }).waitFor()
    const title = page.getByRole('heading', { name: 'Files', exact: true })
    expect(await isFocused(title)).to.equal(true)
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await visitor.check('shortcuts')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
  })

  it('says that it is offline, and goes on by itself', async () => {
    const user = await world.app.api.register()
    const visitor = await world.visitAs(user)
    const { page, context } = visitor
    await visitor.open('/')
    await page.getByRole('heading', { level: 1 }).waitFor()
    visitor.expectComplaint(/ERR_INTERNET_DISCONNECTED/)
    await context.setOffline(true)
    await page.getByText('You are offline.').waitFor()
    await visitor.shoot('offline')
    await context.setOffline(false)
    await page.getByText('You are offline.').waitFor({ state: 'hidden' })
  })

  it('says so where there is nothing, and of a view of administrators only to them', async () => {
    const user = await world.app.api.register()
    const visitor = await world.visitAs(user)
    await visitor.open('/agents')
    await visitor.page.getByRole('heading', { name: 'Agents', exact: true }).waitFor()
    expect(await visitor.page.getByRole('link', { name: 'Administration' }).count()).to.equal(0)
    await visitor.open('/admin')
    await visitor.page.getByRole('heading', { name: 'Not found' }).waitFor()
    await visitor.check('not-found')
  })
})
