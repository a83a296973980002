import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { log, useRooms } from './room-world.ts'

const list = (page: Page) => page.getByRole('region', { name: 'Conversations' })

describe('The list of conversations', () => {
  const rooms = useRooms()

  /** A user with some conversations, each about one thing. */
  async function talker(things: string[]) {
    const { user, agentId, visitor } = await rooms.guests(['Ada'])
    const ids: string[] = []
    for (const thing of things) {
      rooms.llm.replyOnce(`I know all about ${thing}.`)
      const { conversationId, runId } = await user.accept('/api/chat', { agentId, message: `Tell me of ${thing}.` })
      await user.finished(runId)
      await user.patch(`/api/chat/conversations/${conversationId}`, { title: `On ${thing}` })
      ids.push(conversationId)
    }
    return { user, agentId, visitor, ids }
  }

  it('finds what was said as one types, and says what is new', async () => {
    const { user, agentId, visitor, ids } = await talker(['mountains', 'rivers', 'deserts'])
    const { page } = visitor
    await visitor.open(`/c/${ids[2]}`)
    await log(page).getByText('I know all about deserts.').waitFor()
    await page.getByRole('searchbox', { name: 'Search conversations' }).fill('rivers')
    await list(page)
      .getByRole('link', { name: /mountains/ })
      .waitFor({ state: 'detached' })
    expect(await list(page).getByRole('link').count()).to.equal(1)
    await list(page).locator('mark').first().waitFor()
    await page.getByRole('searchbox', { name: 'Search conversations' }).fill('')
    await list(page)
      .getByRole('link', { name: /mountains/ })
      .waitFor()
    rooms.llm.replyOnce('Mountains, once more.')
    await user.accept('/api/chat', { agentId, conversationId: ids[0], message: 'More!' })
    await list(page)
      .getByRole('link', { name: /On mountains.*\d new/ })
      .waitFor()
    expect(await list(page).getByRole('link').first().textContent()).to.include('mountains')
    await list(page)
      .getByRole('link', { name: /On mountains/ })
      .click()
    await log(page).getByText('Mountains, once more.').waitFor()
    await list(page)
      .getByRole('link', { name: /On mountains.*\d new/ })
      .waitFor({ state: 'detached' })
    visitor.expectQuiet()
  })

  it('is put in order: pinned, renamed, archived with a way back, exported, deleted after a question', async () => {
    const { visitor, ids } = await talker(['mountains', 'rivers'])
    const { page } = visitor
    await visitor.open(`/c/${ids[1]}`)
    const choose = async (title: string, item: string) => {
      await list(page)
        .getByRole('button', { name: `More about ${title}` })
        .click()
      await page.getByRole('menuitem', { name: item, exact: true }).click()
    }
    await choose('On mountains', 'Pin')
    await list(page)
      .getByRole('link', { name: /On mountains.*Pinned/ })
      .waitFor()
    expect(await list(page).getByRole('link').first().textContent()).to.include('mountains')
    await choose('On mountains', 'Rename')
    await page.getByRole('textbox', { name: 'Title' }).fill('On the Alps')
    await page.getByRole('button', { name: 'Save' }).click()
    await list(page)
      .getByRole('link', { name: /On the Alps/ })
      .waitFor()
    await choose('On the Alps', 'Archive')
    await list(page)
      .getByRole('link', { name: /On the Alps/ })
      .waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await list(page)
      .getByRole('link', { name: /On the Alps/ })
      .waitFor()
    await list(page).getByRole('button', { name: 'More about On the Alps' }).click()
    await visitor.check('room-menu')
    const download = page.waitForEvent('download')
    await page.getByRole('menuitem', { name: 'Export as Markdown' }).click()
    expect(await readFile(await (await download).path(), 'utf8')).to.include('I know all about mountains.')
    await choose('On the Alps', 'Delete')
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await list(page)
      .getByRole('link', { name: /On the Alps/ })
      .waitFor({ state: 'detached' })
    visitor.expectQuiet()
  })

  it('is all there in the history, the archive too', async () => {
    const { user, visitor, ids } = await talker(['mountains', 'rivers'])
    const { page } = visitor
    await user.patch(`/api/chat/conversations/${ids[0]}`, { archived: true })
    await visitor.open('/history')
    await page.getByRole('article').getByRole('link', { name: 'On rivers' }).waitFor()
    expect(await page.getByRole('article').count()).to.equal(1)
    await page.getByRole('searchbox', { name: 'Search conversations' }).last().fill('know')
    await page.getByRole('article').locator('mark').first().waitFor()
    await visitor.check('history-found')
    await page.getByRole('tab', { name: 'Archived' }).click()
    await page.getByRole('article').getByRole('link', { name: 'On mountains' }).waitFor()
    await page.getByRole('searchbox', { name: 'Search conversations' }).last().fill('nowhere to be found')
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor()
    visitor.expectQuiet()
  })
})
