import { once } from 'node:events'
import { get } from 'node:http'
import { expect } from 'chai'
import { z } from 'zod'
import { conversationView, messageView } from '../../src/contract/views.ts'
import { ADA } from '../architecture/route-table.ts'
import type { TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { eventually } from '../support/pace.ts'

const exported = z.object({ conversation: conversationView, messages: z.array(messageView) })

describe('An export of a conversation', function () {
  this.timeout(60_000)
  const app = useApp()
  let user: TestUser
  before(async () => {
    user = await app.api.register()
  })

  const talk = async (message: string) => {
    const { runId, conversationId } = await user.accept('/api/chat', { agentId: ADA, message })
    await user.finished(runId)
    return conversationId
  }
  const download = (id: string, query = '', by: TestUser = user) =>
    fetch(`${app.url}/api/chat/conversations/${id}/export${query}`, {
      headers: { authorization: `Bearer ${by.token}` },
    })

  it('has as JSON all that the API shows, and as Markdown what was said, each under a name that is safe', async () => {
    const id = await talk('<!-- Hello\n# there')
    await user.patch(`/api/chat/conversations/${id}`, { title: '../Tea "or" coffee?\u202e* ☕' })
    const json = await download(id, '?format=json')
    expect(json.headers.get('content-type')).to.equal('application/json; charset=utf-8')
    const { conversation, messages } = exported.parse(await json.json())
    expect(conversation).to.deep.include({ id, title: '../Tea "or" coffee?\u202e* ☕' })
    expect(messages).to.deep.equal(await user.messages(id))
    const markdown = await download(id)
    expect(markdown.headers.get('content-type')).to.equal('text/markdown; charset=utf-8')
    const day = conversation.createdAt.slice(0, 10)
    const name = encodeURIComponent(`..-Tea -or- coffee-- ☕ ${day}.md`)
    expect(markdown.headers.get('content-disposition')).to.include(`filename*=UTF-8''${name}`)
    const text = await markdown.text()
    expect(text).to.match(/^# \\\.\\\.\/Tea "or" coffee\?/)
    expect(text).to.include('\n> &lt;!-- Hello\n> # there\n').and.to.include('\n**Ada** (')
    expect(text).not.to.match(/^#+ there/m)
  })

  it("is of one's own, in a form that there is", async () => {
    const id = await talk('Hello')
    expect((await download(id, '', await app.api.register())).status).to.equal(404)
    expect((await download(id, '?format=pdf')).status).to.equal(400)
  })

  it('is read as it is taken, and holds no connection to the database meanwhile', async () => {
    const id = await talk('A long one')
    const count = 3_000
    await app.container.db.query(
      `INSERT INTO messages (id, conversation_id, seq, role, content, status)
       SELECT gen_random_uuid(), $1, n + 2, 'user', n || repeat(' 0123456789', 1000), 'complete' FROM generate_series(1, $2::int) AS n`,
      [id, count],
    )
    await app.container.db.query('UPDATE conversations SET last_seq = $2 WHERE id = $1', [id, count + 2])
    const [response] = await once(
      get(`${app.url}/api/chat/conversations/${id}/export?format=json`, {
        headers: { authorization: `Bearer ${user.token}` },
      }),
      'response',
    )
    response.pause()
    const idle = () =>
      eventually(async () => {
        const [{ busy }] = await app.container.db.query(
          `SELECT count(*)::int AS busy FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
        )
        return busy === 0
      })
    await idle()
    let bytes = 0
    let end = ''
    for await (const chunk of response) {
      bytes += chunk.length
      end = (end + chunk).slice(-20)
    }
    expect(bytes).to.be.greaterThan(count * 11_000)
    expect(end).to.match(/\n\]\n\}\n$/)
  })

  it('of what is deleted meanwhile ends short, so that nobody takes it for all', async () => {
    const id = await talk('A long one')
    await app.container.db.query(
      `INSERT INTO messages (id, conversation_id, seq, role, content, status)
       SELECT gen_random_uuid(), $1, n + 2, 'user', n || repeat(' 0123456789', 20000), 'complete' FROM generate_series(1, 200) AS n`,
      [id],
    )
    await app.container.db.query('UPDATE conversations SET last_seq = 202 WHERE id = $1', [id])
    const [response] = await once(
      get(`${app.url}/api/chat/conversations/${id}/export`, { headers: { authorization: `Bearer ${user.token}` } }),
      'response',
    )
    response.pause()
    expect((await user.delete(`/api/chat/conversations/${id}`)).status).to.equal(204)
    const outcome = await (async () => {
      for await (const _ of response);
      return 'complete'
    })().catch((error: Error) => error.message)
    expect(outcome).to.equal('aborted')
  })
})
