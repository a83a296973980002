import { expect } from 'chai'
import { type ShareView, shareView } from '../../src/contract/share-views.ts'
import type { TestUser } from '../support/api-client.ts'
import { type MockLlm, startMockLlm } from '../support/mock-llm.ts'
import { type Look, useWorld, type Visitor } from './world.ts'

const WORDS = 'Zwölf Boxkämpfer 🥊 jagen Viktor quer über den großen Sylter Deich. '

describe('A shared conversation, in a browser of somebody without an account', () => {
  const world = useWorld()
  let llm: MockLlm
  let owner: TestUser
  before(async () => {
    llm = await startMockLlm()
  })
  after(() => llm.stop())
  beforeEach(async () => {
    llm.reset()
    owner = await world.app.api.register()
  })

  const party = async (message: string) => {
    const connection = { provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') }
    const agentIds = await owner.agentsOn(connection, ['Ada', 'Blaise'])
    return owner.accept('/api/chat/multi-agent', { agentIds, message, maxTurns: 2 })
  }
  const share = async (conversationId: string): Promise<ShareView> =>
    shareView.parse((await owner.post(`/api/chat/conversations/${conversationId}/shares`, {})).body)

  /** The dialog of a conversation's links, from its room. */
  const openDialog = async (host: Visitor, conversationId: string) => {
    await host.open(`/c/${conversationId}`)
    const { page } = host
    await page.locator('main header').getByRole('button').last().click()
    await page
      .getByRole('menu')
      .getByRole('menuitem')
      .filter({ has: page.locator('.lucide-link-2') })
      .click()
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    return dialog
  }

  it('is watched live, and is cut off at the moment at which the link is revoked', async () => {
    const first = llm.hold(4)
    const second = llm.hold(2)
    llm
      .replyOnce({ text: `${WORDS}First.`, hold: first })
      .reply({ text: `${WORDS}Second, which nobody sees.`, hold: second })
    const { conversationId } = await party('Tea or coffee?')
    await first.reached
    const host = await world.visitAs(owner)
    const dialog = await openDialog(host, conversationId)
    await dialog.getByText('There is no link to this conversation yet.').waitFor()
    await dialog.getByRole('button', { name: 'Make a link' }).click()
    const address = await dialog.getByRole('textbox', { name: 'Address of the link' }).inputValue()
    await host.check('share-dialog')
    await dialog.getByRole('button', { name: 'Copy the link' }).click()
    await host.page.getByText('Copied').waitFor()
    const guest = await world.visit()
    const { page } = guest
    await page.goto(address)
    await page.getByText('Tea or coffee?').waitFor()
    const log = page.getByRole('log')
    await log.getByRole('article', { name: 'Ada' }).getByText('Zwölf Boxkämpfer').waitFor()
    await page.getByText('Ada is speaking.').waitFor()
    await guest.check('share-live')
    expect(await page.locator('meta[name=robots]').getAttribute('content')).to.equal('noindex, nofollow')
    first.release()
    await log.getByText('First.').waitFor()
    await second.reached
    await page.getByText('Blaise is speaking.').waitFor()
    guest.expectComplaint(/404/)
    await dialog.getByRole('button', { name: 'Revoke' }).click()
    await dialog.getByText('There is no link to this conversation yet.').waitFor()
    await page.getByRole('heading', { name: 'This link leads nowhere' }).waitFor()
    second.release()
    expect(await page.locator('body').textContent()).not.to.match(/Zwölf|Second/)
    await guest.check('share-over')
  })

  it('leaves out words that were taken back, and shows what was said long before when it is asked for', async () => {
    llm.reply('Words that are regretted.')
    const { conversationId, runId } = await party('Tea?')
    await owner.finished(runId)
    const messages = await owner.messages(conversationId)
    llm.reply('Better words.')
    const edited = await owner.post(`/api/chat/messages/${messages[0]?.id}/edit`, { message: 'Coffee?' })
    await owner.finished(Object(edited.body).runId)
    // As if much had been said: a page shows the latest hundred.
    await world.app.container.db.query(
      `INSERT INTO messages (id, conversation_id, seq, role, content, status)
       SELECT gen_random_uuid(), $1, 1000 + n, 'user', 'Remark ' || n, 'complete' FROM generate_series(1, 120) n`,
      [conversationId],
    )
    await world.app.container.db.query('UPDATE conversations SET last_seq = 1120 WHERE id = $1', [conversationId])
    const guest = await world.visit()
    await guest.open((await share(conversationId)).path)
    const { page } = guest
    await page.getByText('Remark 120').waitFor()
    expect(await page.getByText('Better words.').count()).to.equal(0)
    await page.getByRole('button', { name: 'Show what was said before' }).click()
    await page.getByText('Better words.').first().waitFor()
    expect(await page.locator('body').textContent()).not.to.match(/regretted|Tea\?/)
    guest.expectQuiet()
  })

  const looks: Array<[string, Look]> = [
    ['phone-dark', { phone: true, dark: true, locale: 'de-DE' }],
    ['phone-ar', { phone: true, locale: 'ar-EG' }],
  ]
  for (const [name, look] of looks) {
    it(`can be read: ${name}`, async () => {
      llm.reply(WORDS.repeat(3))
      const { conversationId, runId } = await party('Was ist besser: Tee oder Kaffee?')
      await owner.finished(runId)
      const guest = await world.visit(look)
      await guest.open((await share(conversationId)).path)
      await guest.page.getByRole('article', { name: 'Blaise' }).waitFor()
      await guest.check(`share-${name}`)
      guest.expectComplaint(/404/)
      await guest.open('/s/nothing')
      await guest.page.getByRole('heading', { level: 2 }).waitFor()
      await guest.check(`share-over-${name}`)
      const host = await world.visitAs(owner, look)
      const dialog = await openDialog(host, conversationId)
      await dialog.getByRole('textbox').first().waitFor()
      await host.check(`share-dialog-${name}`)
    })
  }
})
