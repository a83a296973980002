import { expect } from 'chai'
import { useWorld } from './world.ts'

/** Parties that are ready for everybody, each of another strategy, by the names on their cards and what is said first. */
const PARTIES = ['Debate', 'Code review', 'Brainstorm', 'Red team', 'Panel']
const WORKING_MS = 60_000

describe('The first minute in the console', () => {
  const world = useWorld()

  for (const party of PARTIES) {
    it(`talks after one click, without an account, to the receipt: ${party}`, async () => {
      const visitor = await world.visit()
      const { page } = visitor
      await visitor.open('/')
      await page.getByRole('button', { name: new RegExp(`^${party}`) }).click()
      await page.waitForURL(/\/c\/[0-9a-f-]{36}$/)
      const receipt = page.getByRole('log').getByText(/\d turns · [\d,]+ tokens · [\d.]+ credits/)
      await receipt.waitFor({ timeout: WORKING_MS })
      await visitor.check(`first-minute-${party.toLowerCase().replace(' ', '-')}`)
      const said = await page.getByRole('log').textContent()
      expect(said).to.match(/Ada|Clara|Blaise/)
    })
  }
})
