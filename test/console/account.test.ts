import { expect } from 'chai'
import { signedInView } from '../../src/contract/account-views.ts'
import { codeOf, stepAt } from '../../src/identity/totp.ts'
import { useWorld } from './world.ts'

const PASSWORD = 'correct horse battery'
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** What an authenticator app reads of a key that is typed into it. */
function bytesOf(base32: string): Buffer {
  const bits = [...base32].map((char) => ALPHABET.indexOf(char).toString(2).padStart(5, '0')).join('')
  return Buffer.from(
    Array.from({ length: Math.floor(bits.length / 8) }, (_, n) => Number.parseInt(bits.slice(n * 8, n * 8 + 8), 2)),
  )
}

describe('The account in the console', () => {
  const world = useWorld()

  /** Somebody who has talked with an agent of the demo model. */
  async function spender() {
    const user = await world.app.api.register()
    const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'You love tea.' })
    const { runId } = await user.accept('/api/chat', { agentId, message: 'Tea?' })
    await user.finished(runId)
    return user
  }

  it('shows what there is, what was used, each line of the ledger, and the prices', async () => {
    const visitor = await world.visitAs(await spender())
    const { page } = visitor
    await visitor.open('/credits')
    await page.getByText(/credits in 1 call/).waitFor()
    await visitor.check('credits')
    await page.getByLabel('By').selectOption('agent')
    await page.getByRole('cell', { name: 'Ada' }).waitFor()
    await visitor.check('credits-by-agent')
    await page.getByRole('tab', { name: 'Ledger' }).click()
    await page.getByRole('main').getByRole('link', { name: /^Ada/ }).waitFor()
    expect(await page.getByRole('row').count(), 'its heading, a call and the grant').to.equal(3)
    await visitor.check('credits-ledger')
    await page.getByLabel('Kind').selectOption('grant')
    await page.getByRole('cell', { name: '+10000.00', exact: true }).waitFor()
    await page.getByRole('tab', { name: 'Prices' }).click()
    await page.getByRole('row').nth(1).waitFor()
    await visitor.check('credits-prices')
  })

  for (const look of [
    { name: 'german', locale: 'de-DE', phone: true, dark: true },
    { name: 'arabic', locale: 'ar-EG', phone: true },
  ]) {
    it(`stands well in each look (${look.name})`, async () => {
      const visitor = await world.visitAs(await spender(), look)
      for (const view of ['credits', 'keys', 'profile']) {
        await visitor.open(`/${view}`)
        await visitor.settled()
        await visitor.check(`${view}-${look.name}`)
      }
    })
  }

  it('makes a key, shows it once, and revokes it', async () => {
    const user = await world.app.api.register()
    const visitor = await world.visitAs(user)
    const { page } = visitor
    await visitor.open('/keys')
    await page.getByText('No keys yet').waitFor()
    await visitor.check('keys-none')
    await page.getByRole('button', { name: 'Make a key' }).click()
    await page.getByLabel('Name').fill('Nightly script')
    await page.getByLabel('Credits a month').fill('a lot')
    visitor.expectComplaint(/400/)
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByText('must be a positive decimal number').waitFor()
    await page.getByLabel('Credits a month').fill('12.5')
    await visitor.check('keys-new')
    await page.getByRole('button', { name: 'Create' }).click()
    const key = await page.getByLabel('Key', { exact: true }).inputValue()
    expect(key).to.match(/^cp_/)
    await visitor.check('keys-made')
    const asked = await fetch(`${world.url}/api/auth/me`, { headers: { authorization: `Bearer ${key}` } })
    expect(asked.status).to.equal(200)
    await page.getByRole('button', { name: 'Close' }).last().click()
    await page.getByRole('cell', { name: 'Nightly script', exact: true }).waitFor()
    await visitor.check('keys')
    await page.getByRole('button', { name: 'Revoke “Nightly script”' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('“Nightly script” is revoked.').waitFor()
    await page.getByText('No keys yet').waitFor()
    const refused = await fetch(`${world.url}/api/auth/me`, { headers: { authorization: `Bearer ${key}` } })
    expect(refused.status).to.equal(401)
  })

  it('changes the name, sets up the second step, and ends sessions elsewhere', async () => {
    const user = await world.app.api.register()
    await world.app.api.login(user.email, PASSWORD)
    const visitor = await world.visitAs(user)
    const { page } = visitor
    await visitor.open('/profile')
    await page.getByLabel('Name').fill('Ada Lovelace')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: /^Account Ada Lovelace/ }).waitFor()
    await page.getByRole('button', { name: 'End all others' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'End all others' }).click()
    await page.getByText('Ended.').waitFor()
    await page.getByRole('button', { name: 'End all others' }).waitFor({ state: 'detached' })
    const factor = page.locator('form').filter({ hasText: 'Set it up' })
    await factor.getByLabel('Current password').fill(PASSWORD)
    await factor.getByRole('button', { name: 'Set it up' }).click()
    await page.getByRole('img', { name: /^QR code/ }).waitFor()
    const secret = await page.getByLabel('Key', { exact: true }).inputValue()
    await page.getByRole('img', { name: /^QR code/ }).scrollIntoViewIfNeeded()
    await visitor.check('profile-factor')
    await page.getByLabel('Code that the app shows').fill(codeOf(bytesOf(secret), stepAt(Date.now())))
    await page.getByRole('button', { name: 'Turn it on' }).click()
    await page.getByText('Keep these recovery codes').waitFor()
    await visitor.check('profile-recovery')
    await page.getByRole('button', { name: 'I have kept them' }).click()
    await page.getByText('It is on.', { exact: true }).waitFor()
  })

  it('lets a guest keep the account', async () => {
    const guest = signedInView.parse((await world.app.api.post('/api/auth/guest', undefined)).body)
    const visitor = await world.visitAs(guest)
    const { page } = visitor
    await visitor.open('/profile')
    await page.getByLabel('E-mail address').fill('kept@example.com')
    await page.getByLabel('Password').fill(PASSWORD)
    await visitor.check('profile-guest')
    await page.getByRole('button', { name: 'Keep it' }).click()
    await page.getByText('The account is yours to keep.').waitFor()
    await page.getByText('kept@example.com').first().waitFor()
    await world.app.api.login('kept@example.com', PASSWORD)
  })

  it('erases the account after its address is typed', async () => {
    const user = await world.app.api.register()
    const visitor = await world.visitAs(user)
    const { page } = visitor
    await visitor.open('/profile')
    await page.getByRole('button', { name: 'Delete the account' }).click()
    const dialog = page.getByRole('alertdialog')
    await dialog.getByRole('textbox').fill(user.email)
    await visitor.check('profile-delete')
    await dialog.getByRole('button', { name: 'Delete the account' }).click()
    await page.getByText('The account is deleted.').waitFor()
    expect(await page.evaluate('localStorage.getItem("chatsparty.token")')).to.equal(null)
  })
})
