import { expect } from 'chai'
import { modelName } from '../../workers/mcp/mcp-tools.ts'
import type { TestUser } from '../support/api-client.ts'
import { startMcpServer, type TestMcpServer, TOOLS } from '../support/mcp-server.ts'
import type { MockRequest } from '../support/mock-llm.ts'
import { eventually } from '../support/pace.ts'
import { line, log, useRooms } from './room-world.ts'
import type { Look } from './world.ts'

const answered = (request: MockRequest) => JSON.stringify(request.body).includes('"role":"tool"')
const waits = { en: 'Waiting for your word…', de: 'Wartet auf Ihre Entscheidung …', ar: 'في انتظار قرارك…' }

describe('Tools in the console', function () {
  this.timeout(60_000)
  const rooms = useRooms()
  let server: TestMcpServer
  before(async () => {
    server = await startMcpServer()
  })
  after(() => server?.stop())
  beforeEach(() => server.reset())

  const connect = async (user: TestUser) => {
    const serverId = await user.create('/api/mcp/servers', { name: 'Notes', url: server.url })
    await user.post(`/api/mcp/servers/${serverId}/refresh`, {})
    return serverId
  }
  /** Somebody in a conversation whose agent calls a tool of a server. */
  const calling = async (
    name: string,
    policy: string,
    look: Look = {},
    { text = 'Buy <b>tea</b>', besides = [] as Array<{ name: string; arguments: Record<string, unknown> }> } = {},
  ) => {
    const { user, agentId = '', visitor } = await rooms.guests(['Ada'], look)
    const serverId = await connect(user)
    rooms.llm.reply({ when: { match: answered }, text: 'It is noted.' })
    rooms.llm.reply({
      when: { match: (request) => !answered(request) },
      text: 'I note it.',
      toolCalls: [{ name: modelName(serverId, name), arguments: { text } }, ...besides],
    })
    await user.put(`/api/agents/${agentId}`, { tools: [{ serverId, name, policy }] })
    const { runId, conversationId } = await rooms.watch(user, visitor, { agentId, message: 'Note tea.' })
    return { user, visitor, page: visitor.page, runId, conversationId, agentId }
  }

  it('asks in the room; with other arguments approved, the tool runs once with them, and its call stands in the turn', async () => {
    const { user, visitor, page, runId } = await calling('add_unkeyed', 'ask', {}, { text: 'Pay Bob\u202e\u200b1' })
    const card = page.getByRole('article', { name: 'add_unkeyed: Waits for your word' })
    await card.getByText('Ada wants to use a tool').waitFor()
    await card.getByText(`Notes (${server.url})`).waitFor()
    // What is decided on stands there as it is, also what nobody would see.
    expect(await card.locator('pre').textContent()).to.equal('{\n  "text": "Pay Bob\\u202e\\u200b1"\n}')
    await line(page).getByText(waits.en).waitFor()
    await visitor.check('tools-asks')
    await card.getByRole('button', { name: 'Change the arguments' }).click()
    await card.getByLabel('Arguments').fill('tea')
    await card.getByRole('button', { name: 'Approve with changes' }).click()
    await card.getByText('This is not a JSON object.').waitFor()
    await card.getByLabel('Arguments').fill('{"text": "Buy coffee"}')
    await visitor.check('tools-edit')
    // What is being written outlives the page, and is the browser's only until it is decided.
    await page.reload()
    await card.getByLabel('Arguments').waitFor()
    expect(await card.getByLabel('Arguments').inputValue()).to.equal('{"text": "Buy coffee"}')
    await card.getByRole('button', { name: 'Discard the changes' }).press('Enter')
    await card.getByText('Pay Bob').waitFor()
    await card.getByRole('button', { name: 'Change the arguments' }).press('Enter')
    await card.getByLabel('Arguments').and(page.locator(':focus')).fill('{"text": "Buy coffee"}')
    await card.getByRole('button', { name: 'Approve with changes' }).click()
    await log(page).getByText('It is noted.').waitFor()
    await card.waitFor({ state: 'detached' })
    expect(server.state.notes).to.deep.equal(['Buy coffee'])
    expect(await page.evaluate('Object.keys(localStorage).filter((key) => key.includes("approval"))')).to.deep.equal([])
    await user.finished(runId)
    await log(page).getByText('Completed').click()
    await log(page).getByText('noted Buy coffee').waitFor()
    await log(page).getByText('1 turn · 1 step with tools').waitFor()
    await visitor.check('tools-done')
    // What is said anew is done anew, which is asked first.
    await log(page).getByRole('button', { name: 'Say it anew' }).click()
    await page
      .getByRole('alertdialog')
      .getByText(/add_unkeyed.*They may do it once more/)
      .waitFor()
    await visitor.check('tools-again')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('alertdialog').waitFor({ state: 'detached' })
    await log(page).getByRole('button', { name: 'Say it anew' }).and(page.locator(':focus')).waitFor()
    expect(server.state.notes).to.have.length(1)
    await page.reload()
    await log(page).getByText('Completed').waitFor()
    // Between what was said before it and after it.
    expect(await log(page).getByRole('article', { name: 'Ada' }).textContent()).to.match(
      /I note it\..*add_unkeyed.*It is noted\./s,
    )
  })

  it('denied, the tool does not run, and the turn says so; beside its title it is asked about by its own name', async () => {
    server.state.tools = TOOLS.map((tool) =>
      tool.name === 'add_unkeyed' ? { ...tool, name: 'notes.add', title: 'Take a note' } : tool,
    )
    const { user, visitor, page } = await calling('notes.add', 'ask')
    const card = page.getByRole('article', { name: /^Take a note/ })
    await card.getByText('notes.add', { exact: true }).waitFor()
    await card.getByRole('button', { name: 'Deny' }).press('Enter')
    await log(page).getByText('It is noted.').waitFor()
    await log(page).getByText('Denied', { exact: true }).waitFor()
    // Who decides with the keyboard goes on in the room, and not at the beginning of the page.
    await page.locator('main:focus').waitFor()
    expect(server.state.notes).to.deep.equal([])
    await visitor.check('tools-denied')
    expect(Object((await user.get('/api/chat/approvals')).body).data).to.deep.equal([])
  })

  it('lists what waits in all conversations, and how much in the navigation and the title; decided elsewhere, it goes at once, but for what somebody writes', async () => {
    const { user, visitor, page, agentId } = await calling('add_unkeyed', 'ask')
    await page.getByRole('article', { name: /^add_unkeyed/ }).waitFor()
    await page.getByRole('link', { name: 'Approvals 1 request waits for you' }).click()
    await page.getByRole('heading', { name: 'Approvals' }).waitFor()
    const cards = page.getByRole('article', { name: 'add_unkeyed: Waits for your word' })
    await user.accept('/api/chat', { agentId, message: 'Note more.' })
    await cards.nth(1).waitFor()
    await page.getByRole('link', { name: 'Approvals 2 requests wait for you' }).waitFor()
    await eventually(async () => (await page.title()) === '(2) Approvals · Chatsparty')
    await visitor.check('tools-approvals')
    const { data } = Object((await user.get('/api/chat/approvals')).body)
    // What somebody is writing is not taken away with it.
    await cards.nth(0).getByRole('button', { name: 'Change the arguments' }).click()
    await cards.nth(0).getByLabel('Arguments').fill('{"text": "Buy mi')
    await user.post(`/api/chat/approvals/${data[0].id}`, { decision: 'approve', arguments: { text: 'Buy milk' } })
    const over = page.getByRole('article').filter({ hasText: 'It was approved elsewhere, with other arguments.' })
    await over.getByText('"Buy milk"').waitFor()
    expect(await over.getByLabel('What you wrote').inputValue()).to.equal('{"text": "Buy mi')
    expect(await page.evaluate('Object.keys(localStorage).filter((key) => key.includes("approval"))')).to.deep.equal([])
    await user.finished(data[0].runId)
    await visitor.check('tools-decided-elsewhere')
    await over.getByRole('button', { name: 'Dismiss' }).click()
    await over.waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Approvals 1 request waits for you' }).waitFor()
    await page.getByRole('button', { name: 'Change the arguments' }).click()
    await page.getByLabel('Arguments').fill('{"text": "Buy coffee"}')
    await page.getByRole('button', { name: 'Approve with changes' }).click()
    await page.getByRole('heading', { name: 'Nothing waits for you' }).waitFor()
    await user.finished(data[1].runId)
    expect(server.state.notes).to.deep.equal(['Buy milk', 'Buy coffee'])
    await visitor.check('tools-approvals-none')
  })

  it('asks whether to start a tool again of which nobody knows the end, and does as it is told', async () => {
    const { user, visitor, page, runId } = await calling('die', 'allow')
    const card = page.getByRole('article', { name: 'die: Waits for your word' })
    await card.getByText('Ada asks whether to start a tool again').waitFor()
    await visitor.check('tools-in-doubt')
    await card.getByRole('button', { name: 'Start it again', exact: true }).click()
    await eventually(() => server.state.notes.length === 2)
    await card.getByRole('button', { name: 'Do not start it again' }).click()
    await log(page).getByText('Outcome unknown').waitFor()
    await user.finished(runId)
    expect(server.state.notes).to.have.length(2)
  })

  it('shows a tool that runs, by events, and one that failed; its words are words', async () => {
    const { user, visitor, page, runId } = await calling('hang', 'allow')
    await log(page).getByText('Running').waitFor()
    await log(page).getByText('Running').click()
    await log(page).getByText('{"text":"Buy <b>tea</b>"}').waitFor()
    await visitor.check('tools-running')
    await page.getByRole('button', { name: 'Stop' }).click()
    await user.finished(runId)
    await log(page).getByText('Running').waitFor({ state: 'detached' })
    // Before it is tried again it is said what is not done again.
    await log(page)
      .getByText(/not done again: .*hang.* \(Outcome unknown\)/)
      .waitFor()
    await visitor.check('tools-stopped')
    // The run that goes on from it has the call from there, and says so.
    await page.getByRole('button', { name: 'Try again' }).press('Enter')
    await page.getByRole('button', { name: 'Do not start it again' }).press('Enter')
    await log(page).getByText('It is noted.').waitFor()
    await log(page).getByText('From an earlier run').click()
    await log(page).getByText('It was called in an earlier run, and not again in this one.').waitFor()
    await visitor.check('tools-inherited')
    // Of a run that fails in silence, what its tools did stands at its end.
    const silent = { text: '', toolCalls: [{ name: 'fail', arguments: { text: 'tea' } }] }
    rooms.llm.replyOnce({ when: { match: (request) => !answered(request) }, ...silent })
    rooms.llm.replyOnce({ when: { match: answered }, status: 401, error: { message: 'No.' } })
    const other = await calling('fail', 'allow')
    await log(other.page).getByText('It failed.').waitFor()
    await log(other.page).getByText('Failed', { exact: true }).click()
    // In its server's own words, as such.
    await log(other.page).getByText('What the server said').waitFor()
    await log(other.page).getByText('The note is too long.').waitFor()
    await other.visitor.check('tools-failed-in-silence')
  })

  it('shows what is too long for the conversation as a file', async () => {
    const { user, visitor, page, runId } = await calling('read_all', 'allow')
    await user.finished(runId)
    await log(page).getByText('Completed').click()
    await log(page).getByText('Files', { exact: true }).waitFor()
    await log(page)
      .getByRole('button', { name: /read_all/ })
      .waitFor()
    await visitor.check('tools-file')
  })

  it('are given to an agent in its editor, each with what is done before it runs', async () => {
    const { user, agentId = '', visitor } = await rooms.guests(['Ada'])
    const { page } = visitor
    const serverId = await connect(user)
    // The mock lists no models.
    visitor.expectComplaint(/422/)
    await visitor.open(`/agents/${agentId}`)
    await page.getByLabel('Calculator').selectOption('ask')
    await page.getByText('none given').click()
    await page.getByLabel('add_unkeyed').selectOption('usual')
    await page.getByLabel('hang', { exact: true }).selectOption('allow')
    await page.getByLabel('hang', { exact: true }).selectOption('no')
    await page.getByLabel('Steps in one turn').fill('6')
    await page.getByText('1 given').scrollIntoViewIfNeeded()
    await visitor.check('tools-of-agent')
    const saved = page.waitForResponse((response) => response.request().method() === 'PUT')
    await page.getByRole('button', { name: 'Save' }).click()
    expect((await saved).status()).to.equal(200)
    expect(Object((await user.get(`/api/agents/${agentId}`)).body).tools).to.deep.equal([
      { serverId: null, name: 'calculator', policy: 'ask' },
      { serverId, name: 'add_unkeyed', policy: null },
    ])
    expect(Object((await user.get(`/api/agents/${agentId}`)).body).maxSteps).to.equal(6)
    // Its server says something else of it now: it is not used before that was looked at.
    server.state.tools = server.state.tools.map((tool) =>
      tool.name === 'add_unkeyed' ? { ...tool, description: 'A note, and a copy to <b>everybody</b>' } : tool,
    )
    await user.post(`/api/mcp/servers/${serverId}/refresh`, {})
    const arabic = await rooms.world.visitAs(user, { locale: 'ar-EG', phone: true })
    arabic.expectComplaint(/422/)
    for (const look of [arabic, visitor]) {
      await look.open(`/agents/${agentId}`)
      await look.page.locator('summary').filter({ hasText: 'Notes' }).click()
      await look.page.locator('ins').getByText('a copy to <b>everybody</b>').scrollIntoViewIfNeeded()
      await look.check(look === arabic ? 'tools-of-agent-arabic' : 'tools-of-agent-changed')
    }
    await page.getByText('1 is not used: look at it').waitFor()
    await page.getByRole('button', { name: 'Allow what it is now' }).click()
    await page.getByText('1 is not used: look at it').waitFor({ state: 'detached' })
    expect(Object((await user.get(`/api/mcp/servers/${serverId}/tools/add_unkeyed`)).body).state).to.equal('allowed')
    visitor.expectQuiet()
  })

  for (const look of [
    {
      name: 'german',
      locale: 'de-DE',
      phone: true,
      dark: true,
      words: waits.de,
      deny: 'Ablehnen',
      why: {
        Fehlgeschlagen: 'Der Agent hat ein Werkzeug aufgerufen, das er nicht hat.',
        Abgelehnt: 'Sie haben es abgelehnt.',
      },
    },
    {
      name: 'arabic',
      locale: 'ar-EG',
      phone: true,
      words: waits.ar,
      deny: 'رفض',
      why: { فشلت: 'استدعى الوكيل أداة ليست لديه.', رُفضت: 'لقد رفضتها.' },
    },
  ]) {
    it(`asks well in each look, and says why calls came to nothing (${look.name})`, async () => {
      const besides = [{ name: 'send_mail', arguments: {} }]
      const { user, visitor, page, runId, conversationId } = await calling('add_unkeyed', 'ask', look, { besides })
      await line(page).getByText(look.words).waitFor()
      await page.getByRole('article', { name: /^add_unkeyed/ }).waitFor()
      await visitor.check(`tools-asks-${look.name}`)
      await visitor.open('/approvals')
      await page.getByRole('article', { name: /^add_unkeyed/ }).waitFor()
      await visitor.check(`tools-approvals-${look.name}`)
      await page.getByRole('button', { name: look.deny, exact: true }).press('Enter')
      await user.finished(runId)
      await visitor.open(`/c/${conversationId}`)
      for (const [state, why] of Object.entries(look.why)) {
        await log(page).getByText(state, { exact: true }).click()
        await log(page).getByText(why).waitFor()
      }
      await visitor.check(`tools-why-${look.name}`)
    })
  }
})
