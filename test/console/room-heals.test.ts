import { expect } from 'chai'
import { ApiClient } from '../support/api-client.ts'
import { ClusterProcess, processSettings } from '../support/cluster.ts'
import { createDatabase } from '../support/database.ts'
import { line, log, useRooms, write } from './room-world.ts'
import { Visitor } from './world.ts'

describe('The room, when the server is killed in the middle of a turn', () => {
  const rooms = useRooms()
  let server: ClusterProcess
  let drop = async () => {}
  before('start a server as a process', async function () {
    this.timeout(120_000)
    const database = await createDatabase()
    drop = database.drop
    const env = { ...processSettings({}), DATABASE_URL: database.url }
    server = new ClusterProcess('server', 'workers/embedded.ts', env, true)
    await server.start()
  })
  after(async () => {
    await server?.kill()
    await drop()
  })

  it('says so, goes on by itself when the server is back, and shows the turn that is taken again', async () => {
    const user = await new ApiClient(server.url).register()
    const baseUrl = rooms.llm.baseUrl('openai-compatible')
    const [agentId] = await user.agentsOn({ provider: 'openai-compatible', baseUrl }, ['Ada'])
    const { context } = await rooms.world.visit()
    await context.addInitScript(`localStorage.setItem('chatsparty.token', ${JSON.stringify(user.token)})`)
    const visitor = new Visitor(server.url, context, await context.newPage())
    const { page } = visitor
    rooms.llm.replyOnce({ text: 'Words that are lost with their worker.', hold: rooms.llm.hold(2) })
    const again = rooms.llm.hold(2)
    rooms.llm.reply({ text: 'Tea is the better drink by far.', hold: again })
    const { conversationId } = await user.accept('/api/chat', { agentId, message: 'Tea or coffee?' })
    await visitor.open(`/c/${conversationId}`)
    await log(page)
      .getByText(/^Words th/)
      .waitFor()
    await write(page).fill('What I was about to say')

    await server.kill()
    await page.getByText('The connection is lost. Connecting again…').waitFor()
    await log(page)
      .getByText(/^Words th/)
      .waitFor()
    await server.start()
    await page.getByText('The connection is lost. Connecting again…').waitFor({ state: 'detached' })
    await log(page)
      .getByText(/^Tea is th/)
      .waitFor()
    await log(page).getByText('Attempt 2').waitFor()
    await line(page).getByText('Ada speaks').waitFor()
    again.release()
    await log(page).getByText('Tea is the better drink by far.').waitFor()
    await line(page).getByText('Ada speaks').waitFor({ state: 'detached' })
    expect(await log(page).getByRole('article').count()).to.equal(2)
    expect(await log(page).getByText('lost with').count()).to.equal(0)
    expect(await write(page).inputValue()).to.equal('What I was about to say')
    expect(visitor.strayed).to.deep.equal([])
  })
})
