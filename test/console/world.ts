import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { expect } from 'chai'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { buildConsoleIfNeeded } from '../../src/build-console.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { sharedBrowser } from '../support/browser.ts'
import { createDatabase } from '../support/database.ts'
import { moved, QUIET_MS, usePace } from '../support/pace.ts'

/** axe as its package has it for pages: with comments and blanks, as it is loaded here, it takes twice as long to come there and to be read. */
const AXE = readFileSync(
  createRequire(import.meta.resolve('@axe-core/playwright')).resolve('axe-core/axe.min.js'),
  'utf8',
)
/** Kept out of git; to be looked at. */
const SHOTS = join(import.meta.dirname, '../../.screenshots')
export const PASSWORD = 'correct horse battery staple'
export const DESKTOP = { width: 1280, height: 800 }
export const PHONE = { width: 390, height: 844 }

export interface Look {
  /** By which the page chooses its language: `en-GB`, `de-DE`, `ar-EG`. */
  locale?: string
  dark?: boolean
  phone?: boolean
}

/** Somebody's browser, and what it must not have seen: errors in the console, requests to other machines. */
export class Visitor {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors and warnings of the page that no test expects. */
  readonly complaints: string[] = []
  /** Requests that left this server. */
  readonly strayed: string[] = []
  /** Bytes of scripts and styles as they came over the wire, so far. */
  loadedBytes = 0
  readonly #url: string
  /** What a test knows will be complained of, such as a 404 that it asks for. */
  readonly #expected: RegExp[] = []

  constructor(url: string, context: BrowserContext, page: Page) {
    this.#url = url
    this.context = context
    this.page = page
    page.on('console', (message) => {
      moved()
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text())
    })
    page.on('pageerror', (error) => this.complaints.push(String(error)))
    page.on('request', (request) => {
      moved()
      const { protocol, origin } = new URL(request.url())
      if (protocol !== 'blob:' && protocol !== 'data:' && origin !== new URL(url).origin)
        this.strayed.push(request.url())
    })
    page.on('response', async (response) => {
      moved()
      if (!/javascript|css/.test(response.headers()['content-type'] ?? '')) return
      const sizes = await response
        .request()
        .sizes()
        .catch(() => undefined)
      this.loadedBytes += sizes?.responseBodySize ?? 0
    })
  }

  /** The browser says of each answer that is an error that it failed: those that match are no complaints. */
  expectComplaint(pattern: RegExp): void {
    this.#expected.push(pattern)
  }

  async open(path: string): Promise<void> {
    await this.page.goto(this.#url + path)
  }

  /** Until the view has its title and none of its parts is still loading. */
  async settled(): Promise<void> {
    await this.page.getByRole('heading', { level: 1 }).waitFor()
    await this.page.locator('[role=status] .sr-only').last().waitFor({ state: 'detached' })
  }

  /** Fails when the page complained, or asked anybody else. */
  expectQuiet(): void {
    const unexpected = this.complaints.filter((text) => !this.#expected.some((pattern) => pattern.test(text)))
    expect(unexpected, 'errors in the console of the browser').to.deep.equal([])
    expect(this.strayed, 'requests that left the machine').to.deep.equal([])
  }

  /** Fails on what axe finds serious, with what and where. */
  async expectAccessible(what: string): Promise<void> {
    // "Legacy" is axe in the page itself: the other mode puts results of frames together in a page opened for it, three times as long.
    const axe = new AxeBuilder({ page: this.page, axeSource: AXE })
      .options({ resultTypes: ['violations'] })
      .setLegacyMode()
    const { violations } = await axe.analyze()
    const serious = violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`)
    expect(serious, what).to.deep.equal([])
  }

  /** Nothing of the page is wider than its window. */
  async expectNoOverflow(what: string): Promise<void> {
    const excess = await this.page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
    expect(excess, `${what}: wider than the window, in pixels`).to.be.at.most(0)
  }

  /** A picture for whoever wants to see it, named by the suite and what is shown: `.screenshots/NAME.png`. */
  async shoot(name: string): Promise<void> {
    await mkdir(SHOTS, { recursive: true })
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`), animations: 'disabled' })
    moved()
  }

  /** The three checks of any view. */
  async check(name: string): Promise<void> {
    await this.shoot(name)
    await this.expectNoOverflow(name)
    await this.expectAccessible(name)
    this.expectQuiet()
  }
}

export interface World {
  readonly url: string
  readonly app: TestApp
  /** A browser of somebody who was never here. */
  visit(look?: Look): Promise<Visitor>
  /** A new account, signed in in a browser that has not opened a page yet. */
  visitAs(user: { token: string }, look?: Look): Promise<Visitor>
}

/**
 * Gives the suite in which it is called one server with its console, on a fresh database, and a browser.
 *
 * @example
 * const world = useWorld()
 * it('greets', async () => {
 *   const visitor = await world.visitAs(await world.app.api.register())
 *   await visitor.open('/agents')
 *   await visitor.page.getByRole('heading', { name: 'Agents' }).waitFor()
 *   await visitor.check('agents')
 * })
 */
export function useWorld(env: Record<string, string> = {}): World {
  usePace()
  let app: TestApp | undefined
  let browser: Browser | undefined
  let drop = async () => {}
  const contexts: BrowserContext[] = []
  before('build the console, start a server and, for the first one, a browser', async function () {
    this.timeout(120_000)
    browser = await sharedBrowser(this)
    await buildConsoleIfNeeded()
    const database = await createDatabase()
    drop = database.drop
    app = await startApp({ env, databaseUrl: database.url })
  })
  afterEach('close the pages', async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()))
  })
  after('stop them', async () => {
    await app?.close()
    await drop()
  })
  const ready = () => {
    if (!app || !browser) throw new Error('The world exists from the first before() hook on.')
    return { app, browser }
  }
  const visit = async ({ locale = 'en-GB', dark = false, phone = false }: Look = {}, token?: string) => {
    const { app, browser } = ready()
    const options: BrowserContextOptions = {
      locale,
      colorScheme: dark ? 'dark' : 'light',
      viewport: phone ? PHONE : DESKTOP,
      reducedMotion: 'reduce',
    }
    const context = await browser.newContext(options)
    context.setDefaultTimeout(QUIET_MS)
    contexts.push(context)
    if (token !== undefined) {
      const origin = JSON.stringify(app.url)
      const kept = JSON.stringify(token)
      // Once: a page that signs out is not signed in again by its reload.
      await context.addInitScript(
        `if (location.origin === ${origin} && !sessionStorage.getItem('test.begun')) {
          sessionStorage.setItem('test.begun', '1'); localStorage.setItem('chatsparty.token', ${kept}) }`,
      )
    }
    return new Visitor(app.url, context, await context.newPage())
  }
  return {
    get app() {
      return ready().app
    },
    get url() {
      return ready().app.url
    },
    visit: (look) => visit(look),
    visitAs: ({ token }, look) => visit(look, token),
  }
}
