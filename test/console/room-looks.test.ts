import { by } from '../workers/party-world.ts'
import { log, useRooms, write } from './room-world.ts'

const ANSWER = `The answer has **three** parts:

1. Tea, which is \`calm\`
2. Coffee, which is quick

> Water is enough.

\`\`\`ts
const drink = (cups: number) => cups > 3 ? 'too much' : 'fine'
\`\`\`

| Drink | Cups |
| ----- | ---- |
| Tea   | 3    |`

const LOOKS = [
  ['phone', { phone: true, dark: true }],
  ['arabic', { locale: 'ar-EG' }],
] as const

describe('The room, on a phone in the dark, and from right to left', () => {
  const rooms = useRooms()

  for (const [name, look] of LOOKS) {
    it(`can be used: ${name}`, async () => {
      const { user, agentIds, visitor } = await rooms.guests(['Ada Lovelace', 'ليلى', 'Ben'], look)
      const { page } = visitor
      rooms.llm.reply({ text: ANSWER, when: by('Ada Lovelace') })
      rooms.llm.reply({ text: 'أفضّل **الشاي** على القهوة، لأنه أهدأ.\n\n- ثلاثة أكواب', when: by('ليلى') })
      rooms.llm.reply({ text: 'Water.', when: by('Ben') })
      const body = { agentIds, message: 'One drink each, please.' }
      const { conversationId, runId } = await user.accept('/api/chat/multi-agent', { ...body, strategy: 'panel' })
      await user.finished(runId)
      const hold = rooms.llm.hold(3)
      rooms.llm.reply({ text: ANSWER, when: by('Ada Lovelace'), hold })
      const more = { ...body, conversationId, strategy: 'round_robin', maxTurns: 2 }
      await user.accept('/api/chat/multi-agent', { ...more, message: 'And now one after another?' })
      await visitor.open(`/c/${conversationId}`)
      await log(page)
        .getByText(/^The answer has/)
        .last()
        .waitFor()
      await visitor.check(`room-${name}-live`)
      await page.evaluate("document.querySelector('[role=log]').scrollTo(0, 0)")
      await visitor.check(`room-${name}-panel`)
      hold.release()
      await visitor.open('/c/new')
      await write(page).waitFor()
      await page.getByRole('checkbox').first().check({ force: true })
      await page.getByRole('checkbox').nth(1).check({ force: true })
      await visitor.check(`room-${name}-new`)
      await visitor.open('/history')
      await page.getByRole('article').first().waitFor()
      await visitor.check(`room-${name}-history`)
    })
  }
})
