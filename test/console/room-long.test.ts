import { expect } from 'chai'
import { line, log, useRooms } from './room-world.ts'

const COUNT = 10_000

describe('A conversation of ten thousand messages', () => {
  const rooms = useRooms()

  /** The conversation, and a page that notes how long it was busy. */
  async function long() {
    const { user, agentId, visitor } = await rooms.guests(['Ada'])
    rooms.llm.replyOnce('The first answer.')
    const { conversationId, runId } = await user.accept('/api/chat', { agentId, message: 'The first question?' })
    await user.finished(runId)
    const { db } = rooms.world.app.container
    await db.query(
      `INSERT INTO messages (id, conversation_id, seq, role, agent_id, agent_name, content, status)
       SELECT gen_random_uuid(), $1, n, CASE WHEN n % 2 = 0 THEN 'agent' ELSE 'user' END, CASE WHEN n % 2 = 0 THEN $2::uuid END,
         CASE WHEN n % 2 = 0 THEN 'Ada' END, 'Message ' || n || E'.\\n\\n' || repeat('Some **words** of it. ', n % 17), 'complete'
       FROM generate_series(3, $3::int) AS n`,
      [conversationId, agentId, COUNT],
    )
    await db.query('UPDATE conversations SET last_seq = $2, version = version + 1 WHERE id = $1', [
      conversationId,
      COUNT,
    ])
    await visitor.page.addInitScript(`window.longest = 0
      new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration) })
        .observe({ type: 'longtask' })`)
    return { user, agentId, visitor, conversationId }
  }

  it('opens at its end, is read back page by page without losing the place, and tells of new words', async () => {
    const { user, agentId, visitor, conversationId } = await long()
    const { page } = visitor
    await visitor.open('/c/new')
    await page.getByRole('heading', { name: 'New conversation' }).waitFor()
    await page.waitForLoadState('networkidle')
    await page.evaluate('window.longest = 0')
    const from = performance.now()
    await page.getByRole('link', { name: /Message 10000/ }).click()
    await log(page).getByText(`Message ${COUNT}.`).waitFor()
    const openMs = Math.round(performance.now() - from)
    const openTask = Math.round(await page.evaluate<number>('window.longest'))
    // Only what is looked at is drawn.
    expect(await log(page).getByRole('article').count()).to.be.below(60)

    await page.evaluate('window.longest = 0')
    await log(page).hover()
    // Whichever turn of the wheel comes near enough to what was fetched.
    const older = page.waitForResponse(/beforeSeq/)
    for (let screens = 0; screens < 25; screens++) await page.mouse.wheel(0, -700)
    await page.getByRole('button', { name: 'To the end' }).waitFor()
    /** The first message that is seen whole, and where, once the list has stood still for so many frames: wheels turn on for a while. */
    const place = async () => {
      await log(page).getByRole('article').first().waitFor()
      await page.evaluate(`new Promise((stands) => {
        const list = document.querySelector('[role=log]')
        let [top, still] = [-1, 0]
        const look = () => {
          still = list.scrollTop === top ? still + 1 : 0
          top = list.scrollTop
          if (still < 15) requestAnimationFrame(look)
          else stands()
        }
        look()
      })`)
      return page.evaluate<{ text: string; y: number }>(`(() => {
        const { top } = document.querySelector('[role=log]').getBoundingClientRect()
        const seen = [...document.querySelectorAll('[role=log] article')].find((one) => one.getBoundingClientRect().top >= top)
        return { text: /Message \\d+/.exec(seen.textContent)?.[0], y: Math.round(seen.getBoundingClientRect().top) }
      })()`)
    }
    for (let screens = 0; screens < 12; screens++) await page.mouse.wheel(0, -700)
    await older
    await page.waitForLoadState('networkidle')
    const before = await place()
    const scrollTask = Math.round(await page.evaluate<number>('window.longest'))
    console.log(`      opened in ${openMs} ms; longest tasks: ${openTask} ms opening, ${scrollTask} ms scrolling`)

    rooms.llm.reply('News!')
    await user.accept('/api/chat', { agentId, conversationId, message: 'And now?' })
    await page.getByRole('button', { name: 'New words' }).waitFor()
    expect(await place()).to.deep.equal(before)
    await page.getByRole('button', { name: 'New words' }).click()
    await log(page).getByText('News!').waitFor()
    await line(page).getByText('Ada').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'New words' }).waitFor({ state: 'detached' })
    visitor.expectQuiet()
  })
})
