import { expect } from 'chai'
import { by } from '../workers/party-world.ts'
import { line, log, send, useRooms, write } from './room-world.ts'

describe('The room', () => {
  const rooms = useRooms()

  it('begins with who talks and what about, shows words as they come, who speaks and who is next, and why it ended', async () => {
    const { visitor } = await rooms.guests(['Ada', 'Ben'])
    const { page } = visitor
    const [ada, ben] = [rooms.llm.hold(2), rooms.llm.hold(2)]
    rooms.llm.reply({ text: 'Tea is the better drink by far.', hold: ada, when: by('Ada') })
    rooms.llm.reply({ text: 'Coffee it is, and nothing else.', hold: ben, when: by('Ben') })
    await visitor.open('/c/new')
    await page.getByRole('checkbox', { name: /^Ada You are Ada/ }).check({ force: true })
    await page.getByRole('checkbox', { name: /^Ben/ }).check({ force: true })
    await page.getByText('Until when they talk').click()
    await page.getByLabel('Turns at most').fill('2')
    await write(page).fill('Tea or coffee?')
    await page.getByText(/^About .* credits$/).waitFor()
    await visitor.check('room-new')
    await send(page).click()

    await log(page).getByText('Tea or coffee?').waitFor()
    await log(page)
      .getByText(/^Tea is th/)
      .waitFor()
    await line(page).getByText('Ada speaks').waitFor()
    await line(page).getByText('Next: Ben').waitFor()
    await visitor.check('room-live')
    ada.release()
    await log(page).getByText('Tea is the better drink by far.').waitFor()
    await line(page).getByText('Ben speaks').waitFor()
    ben.release()
    await log(page).getByText('All turns are done.').waitFor()
    await log(page)
      .getByText(/2 turns · [\d,]+ tokens · [\d.]+ credits/)
      .waitFor()
    await visitor.check('room-ended')
  })

  it('stops at once with the words so far and a receipt, and begins once more', async () => {
    const { user, agentId, visitor } = await rooms.guests(['Ada'])
    const { page } = visitor
    rooms.llm.replyOnce({ text: 'Tea is the better drink by far.', hold: rooms.llm.hold(2) })
    rooms.llm.reply('Tea, once more.')
    await rooms.watch(user, visitor, { agentId, message: 'Tea or coffee?' })
    await log(page)
      .getByText(/^Tea is th/)
      .waitFor()
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await log(page).getByText('You stopped it.').waitFor()
    await log(page)
      .getByText(/1 turn · .* credits/)
      .waitFor()
    await log(page).getByText('Stopped', { exact: true }).waitFor()
    await log(page)
      .getByText(/^Tea is th/)
      .waitFor()
    await page.getByRole('button', { name: 'Try again' }).click()
    await log(page).getByText('Tea, once more.').waitFor()
    visitor.expectQuiet()
  })

  it('is told, while they talk, to hear something, to do it later, or to stop for it', async () => {
    const { user, agentIds, visitor } = await rooms.guests(['Ada', 'Ben'])
    const { page } = visitor
    const holds = [rooms.llm.hold(1), rooms.llm.hold(1)]
    for (const hold of holds) rooms.llm.replyOnce({ text: 'I go on and on.', hold })
    rooms.llm.reply('So be it.')
    await rooms.watch(user, visitor, { agentIds, message: 'Talk.', maxTurns: 2 })
    await line(page).getByText('Ada speaks').waitFor()
    await write(page).fill('Mind the milk!')
    await write(page).press('Enter')
    await log(page).getByText('Mind the milk!').waitFor()
    // Ben hears it, who speaks next in the same run.
    holds[0]?.release()
    await line(page).getByText('Ben speaks').waitFor()
    expect(JSON.stringify(rooms.llm.requests.at(-1)?.messages)).to.include('Mind the milk!')
    await page.getByRole('radio', { name: 'Interrupt' }).check({ force: true })
    await write(page).fill('Something else.')
    await send(page).click()
    await log(page).getByText('You interrupted it.').waitFor()
    await log(page).getByText('Something else.').waitFor()
    await log(page).getByText('So be it.').first().waitFor()
    visitor.expectQuiet()
  })

  it('loses nothing by a reload in the middle of a turn, nor what was not sent yet', async () => {
    const { user, agentId, visitor } = await rooms.guests(['Ada'])
    const { page } = visitor
    const hold = rooms.llm.hold(2)
    rooms.llm.reply({ text: 'Tea is the better drink by far.', hold })
    await rooms.watch(user, visitor, { agentId, message: 'Tea or coffee?' })
    await log(page)
      .getByText(/^Tea is th/)
      .waitFor()
    await write(page).fill('And for how long')
    await page.reload()
    await log(page)
      .getByText(/^Tea is th/)
      .waitFor()
    expect(await write(page).inputValue()).to.equal('And for how long')
    hold.release()
    await log(page).getByText('Tea is the better drink by far.').waitFor()
    await line(page).getByText('Ada speaks').waitFor({ state: 'detached' })
    expect(await log(page).getByRole('article').count()).to.equal(2)
    visitor.expectQuiet()
  })

  it('draws no old message anew for words that come', async () => {
    const { user, agentId, visitor } = await rooms.guests(['Ada'])
    const { page } = visitor
    rooms.llm.replyOnce('An old answer.')
    const { conversationId, runId } = await user.accept('/api/chat', { agentId, message: 'First?' })
    await user.finished(runId)
    await page.addInitScript("sessionStorage.setItem('chatsparty.countRenders', '1')")
    // Nothing is pushed out of the window, where messages are not drawn at all. It ends, which lets messages be edited and said anew, only when all is counted.
    const hold = rooms.llm.hold(300)
    rooms.llm.reply({ text: 'a '.repeat(400), chunkSize: 2, paceMs: 4, hold })
    await rooms.watch(user, visitor, { agentId, conversationId, message: 'Second?' })
    await line(page).getByText('Ada speaks').waitFor()
    const renders = async (ofLive: boolean) => {
      const all = await page.evaluate<[string, number][]>('[...window.chatspartyRenders]')
      return all.filter(([key]) => key.startsWith('live:') === ofLive)
    }
    const before = await renders(false)
    expect(before).to.have.length(3)
    await log(page)
      .getByText(/(a ?){298}/)
      .waitFor()
    expect(await renders(false)).to.deep.equal(before)
    expect((await renders(true))[0]?.[1]).to.be.above(3)
    hold.release()
    visitor.expectQuiet()
  })
})
