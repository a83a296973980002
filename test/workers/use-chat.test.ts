import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { ApiClient, type TestUser } from '../support/api-client.ts'
import { type ScriptPage, startBrowser, startScriptPage } from '../support/browser.ts'
import { useCluster } from '../support/cluster.ts'
import { eventually, usePace } from '../support/pace.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'

const README = new URL('../../README.md', import.meta.url)
const START_MS = 60_000
const WORDS = 'The quick brown fox jumps over the lazy dog, and comes back to tell of it.'

/** The script of the README, with another address, and speaker, in it. */
async function scriptFor(url: string, model = 'Ada'): Promise<string> {
  const script = /^```jsx\n(.*?)^```$/ms.exec(await readFile(README, 'utf8'))?.[1] ?? ''
  expect(script).to.include('http://localhost:4000').and.include("model: 'Ada'")
  return script.replace('http://localhost:4000', url).replace("model: 'Ada'", `model: '${model}'`)
}

/** What the page shows, message by message. */
const linesOf = (page: Page): Promise<string[]> => page.locator('p').allTextContents()

/** Opens the page as somebody who has signed in. */
async function open(browser: Browser, site: ScriptPage, user: TestUser): Promise<Page> {
  const page = await browser.newPage()
  await page.addInitScript((token) => Object.assign(localStorage, { token }), user.token)
  await page.goto(site.origin)
  return page
}

async function say(page: Page, words: string): Promise<void> {
  await page.fill('input', words)
  await page.press('input', 'Enter')
}

/** What the page would show of its conversation once the agent's answer is stored. */
const bothLines = (user: TestUser): Promise<string[]> =>
  eventually(async () => {
    const { conversationId } = Object((await user.get('/api/ui/chat/tea')).body)
    if (conversationId === null) return false
    const messages = await user.messages(conversationId)
    const lines = messages.map(({ agentName, content }) => (agentName === null ? content : `${agentName}: ${content}`))
    return lines.length === 2 && lines
  })

describe('useChat in a browser', () => {
  usePace()
  let browser: Browser
  let site: ScriptPage
  const settings: Record<string, string> = {}
  before('start the browser', async function () {
    this.timeout(START_MS)
    browser = await startBrowser(this)
    site = await startScriptPage()
    settings.CORS_ORIGINS = site.origin
  })
  after(async () => {
    await browser?.close()
    await site?.close()
  })

  describe('with npm start', () => {
    let home: string
    let server: TestProcess
    before(async function () {
      this.timeout(2 * START_MS)
      home = await mkdtemp(join(tmpdir(), 'use-chat-'))
      const env = { PORT: '0', NODE_ENV: 'development', ...settings }
      server = startProcess('workers/embedded.ts', { cwd: home, env })
      await server.waitForLine(/^Try: /, START_MS)
    })
    after(async function () {
      this.timeout(START_MS)
      await server?.kill('SIGTERM')
      await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    })

    it('the script of the README shows what was said, and again after a reload', async () => {
      const [, url = ''] = /listens on (http:\S+)/.exec(server.output) ?? []
      const user = await new ApiClient(url).register()
      await site.show(await scriptFor(url))
      const page = await open(browser, site, user)
      await say(page, 'Tea or coffee?')
      const stored = await bothLines(user)
      expect(stored[1]).to.match(/^Ada: ./)
      const shows = (lines: string[]) => eventually(async () => isDeepStrictEqual(await linesOf(page), lines))
      await shows(stored)
      await page.reload()
      await shows(stored)
      await page.close()
    })
  })

  describe('with workers that are killed', () => {
    const world = useCluster({ webs: 1, workers: 1, env: settings })

    it('a reload in the middle of a turn, and the loss of its worker, lose and double no character', async () => {
      const { llm, cluster } = world
      const url = cluster.web(0).url
      const user = await cluster.api().register()
      await user.agentsOn({ provider: 'openai-compatible', baseUrl: llm.baseUrl('openai-compatible') }, ['Zoe'])
      const [lost, kept] = [llm.hold(3), llm.hold(4)]
      llm.replyOnce({ text: 'Nobody will remember these words.', hold: lost }).reply({ text: WORDS, hold: kept })
      await site.show(await scriptFor(url, 'Zoe'))
      const page = await open(browser, site, user)
      const begins = (words: string) =>
        eventually(async () => ((await linesOf(page))[1] ?? '').startsWith(`Zoe: ${words}`))
      await say(page, 'What does the fox say?')
      await lost.reached
      await begins('Nobody')
      await page.reload()
      await begins('Nobody')
      await cluster.worker(0).restart('SIGKILL')
      await kept.reached
      await begins('The quick')
      await page.reload()
      await begins('The quick')
      kept.release()
      await begins(WORDS)
      // Words are shown as they come, and stored at their turn's end.
      expect(await bothLines(user)).to.deep.equal(await linesOf(page))
      await page.close()
    })
  })
})
