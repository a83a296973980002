import type { Page } from 'playwright-core'
import type { TestUser } from '../support/api-client.ts'
import { useMockLlm } from '../support/mock-llm.ts'
import { type Look, useWorld, type Visitor } from './world.ts'

export const log = (page: Page) => page.getByRole('log')
export const write = (page: Page) => page.getByRole('textbox', { name: /^(Message|Nachricht|رسالة)$/ })
export const send = (page: Page) => page.getByRole('button', { name: 'Send', exact: true })
/** The line that says what goes on. */
export const line = (page: Page) => page.getByRole('main').getByRole('status')

/** A world with a mocked provider of models, for suites about rooms. */
export function useRooms() {
  const world = useWorld()
  const mock = useMockLlm()
  return {
    world,
    get llm() {
      return mock()
    },
    /** A new user with agents of these names on the mock, in a browser of their own. */
    async guests(names: string[], look: Look = {}) {
      const user = await world.app.api.register()
      const baseUrl = mock().baseUrl('openai-compatible')
      const agentIds = await user.agentsOn({ provider: 'openai-compatible', baseUrl }, names)
      const visitor = await world.visitAs(user, look)
      // Said by the browser when a connection drops at the moment at which something is sent, which is then sent again.
      visitor.expectComplaint(/^WebSocket is already in CLOSING or CLOSED state/)
      return { user, agentIds, agentId: agentIds[0], visitor }
    },
    /** A request to speak, and its conversation in the visitor's page. */
    async watch(user: TestUser, visitor: Visitor, body: Record<string, unknown>) {
      const accepted = await user.accept('agentId' in body ? '/api/chat' : '/api/chat/multi-agent', body)
      await visitor.open(`/c/${accepted.conversationId}`)
      return accepted
    },
  }
}
