import { expect } from 'chai'
import { PriceRepository } from '../../src/credits/price.repository.ts'
import { seedPrices } from '../../src/credits/price.seed.ts'
import { PriceBook } from '../../src/credits/price-book.ts'
import type { Rates } from '../../src/credits/pricing.ts'
import { AppError } from '../../src/shared/errors.ts'
import { newId } from '../../src/shared/ids.ts'
import { useDatabase } from '../support/database.ts'
import { differencesOf, ledgerWorld, newTurn } from './ledger-fixtures.ts'

const rates = (input: bigint): Rates => ({
  inputPerMTok: input,
  outputPerMTok: 2n,
  cachedInputPerMTok: 3n,
  cacheWritePerMTok: 4n,
  reasoningPerMTok: 5n,
  perCall: 6n,
})

describe('the price book', () => {
  const db = useDatabase()
  let prices: PriceRepository
  let book: PriceBook

  before(() => {
    prices = new PriceRepository(db.dataSource)
    book = new PriceBook(prices)
  })

  const codeOf = async (work: Promise<unknown>) => {
    try {
      await work
    } catch (error) {
      return error instanceof AppError ? `${error.status} ${error.code}` : error
    }
    return undefined
  }

  it('refuses a model without a price', async () => {
    expect(await codeOf(book.priceOf('nobody', 'knows'))).to.equal('422 model.unpriced')
  })

  it("prefers a model's own price to its provider's wildcard, and that to the wildcard of all", async () => {
    await book.add('acme', 'exact', rates(1n))
    await book.add('acme', '*', rates(20n))
    expect(await book.priceOf('acme', 'exact')).to.include({
      model: 'exact',
      inputPerMTok: 1n,
      perCall: 6n,
      version: 1,
    })
    expect(await book.priceOf('acme', 'other')).to.include({ model: '*', inputPerMTok: 20n })
    expect(await codeOf(book.priceOf('zeta', 'other'))).to.equal('422 model.unpriced')
    await book.add('*', '*', rates(300n))
    expect(await book.priceOf('zeta', 'other')).to.include({ provider: '*', inputPerMTok: 300n })
    expect(await book.priceOf('acme', 'other')).to.include({ provider: 'acme', inputPerMTok: 20n })
    expect(await codeOf(book.add('acme', 'exact', rates(9n)))).to.equal('409 credits.price_exists')
  })

  it('starts a new version at once, under the same id, and keeps what it is not told to change', async () => {
    const first = await book.add('acme', 'changing', rates(10n))
    const second = await book.change(first.priceId, { inputPerMTok: 11n })
    expect(second).to.include({ priceId: first.priceId, version: 2, inputPerMTok: 11n, outputPerMTok: 2n, perCall: 6n })
    expect(second.id).not.to.equal(first.id)
    expect((await book.priceOf('acme', 'changing')).id).to.equal(second.id)
    expect(await codeOf(book.change(newId(), { perCall: 1n }))).to.equal('404 price.not_found')
  })

  it('applies a version from its date on', async () => {
    const first = await book.add('acme', 'dated', rates(10n))
    const tomorrow = new Date(Date.now() + 86_400_000)
    const second = await book.change(first.priceId, { inputPerMTok: 99n }, tomorrow)
    expect(second).to.deep.include({ version: 2, effectiveFrom: tomorrow })
    expect(await book.priceOf('acme', 'dated')).to.include({ version: 1, inputPerMTok: 10n })
    const listed = (await book.list(100)).find(({ priceId }) => priceId === first.priceId)
    expect(listed).to.include({ version: 1 })
    // Tomorrow, as the database will see it.
    const [row] = await db.dataSource.query(
      `SELECT version FROM price_versions WHERE price_id = $1 AND effective_from <= now() + interval '2 days'
       ORDER BY effective_from DESC, version DESC LIMIT 1`,
      [first.priceId],
    )
    expect(row.version).to.equal(2)
  })

  it('lets one of two changes at once through', async () => {
    const { priceId } = await book.add('acme', 'contended', rates(10n))
    const changes = await Promise.all([1n, 2n, 3n, 4n].map((perCall) => codeOf(book.change(priceId, { perCall }))))
    const refused = changes.filter((code) => code === '409 credits.price_changed').length
    expect(changes.filter((code) => code === undefined).length + refused).to.equal(4)
    const versions = await db.dataSource.query('SELECT version FROM price_versions WHERE price_id = $1', [priceId])
    expect(versions).to.have.length(1 + 4 - refused)
  })

  it('charges a run by the version that applied to each of its calls', async () => {
    const world = await ledgerWorld(db.dataSource)
    const userId = await world.user(1_000n)
    const { priceId } = await book.add('acme', 'mid-run', { ...rates(0n), outputPerMTok: 1_000_000n, perCall: 0n })
    const turn = { ...newTurn(), userId }
    const speak = async (index: number) => {
      const price = await book.priceOf('acme', 'mid-run')
      const calls = [world.call(10, { price, provider: 'acme', model: 'mid-run' })]
      await world.transactions.run((tx) => world.ledger.settleHold({ ...turn, turn: index, holdId: null, calls }, tx))
      return price.id
    }
    const before = await speak(0)
    await book.change(priceId, { outputPerMTok: 3_000_000n })
    const after = await speak(1)

    const lines = await world.statements.list(userId, { kinds: ['post'] }, 10)
    expect(lines.map(({ amount, charge }) => [amount, charge?.priceVersion, charge?.priceVersionId])).to.deep.equal([
      [-30n, 2, after],
      [-10n, 1, before],
    ])
    expect(await differencesOf(db.dataSource)).to.deep.equal([])
  })

  it('refuses prices below zero and beyond reason, whoever writes them', async () => {
    for (const price of [-1n, 10n ** 14n + 1n]) {
      const write = book.add('acme', `absurd ${price}`, rates(price))
      expect(String(await codeOf(write))).to.match(/price_versions_within_reason/)
    }
    expect(String(await codeOf(book.add('*', 'gpt-5', rates(1n))))).to.match(/price_versions_wildcard_last/)
  })

  it("seeds today's models once, and leaves alone what somebody has changed", async () => {
    const added = await seedPrices(prices)
    expect(added).to.be.greaterThan(40)
    const mini = await book.priceOf('openai', 'gpt-5-mini')
    // $0.25 per million tokens at 10,000 credits a dollar: 2,500 credits.
    expect(mini).to.include({ inputPerMTok: 2_500_000_000n, outputPerMTok: 20_000_000_000n })
    await book.change(mini.priceId, { perCall: 1n })
    expect(await seedPrices(prices)).to.equal(0)
    expect(await book.priceOf('openai', 'gpt-5-mini')).to.include({ version: 2, perCall: 1n })
    for (const provider of ['openai-compatible', 'ollama', 'demo']) {
      expect((await book.priceOf(provider, 'anything')).outputPerMTok > 0n).to.equal(true)
    }
  })
})
