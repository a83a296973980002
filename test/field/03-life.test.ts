import { expectFailed, expectWhole, useField } from './field-world.ts'
import { A, anthropicPieces, C, D, F, googlePieces, T, U } from './wires.ts'

/** So many signs of life, so far apart: together twice the limit. */
const signs = (sign: string) => Array.from({ length: 8 }, () => [sign, 300]).flat()

describe('Field 3: any byte is life', function () {
  this.timeout(40_000)
  const field = useField({ env: { PROVIDER_IDLE_TIMEOUT_MS: '1200', TURN_MAX_ATTEMPTS: '2' } })

  it('comments keep a slow answer alive', async () => {
    const outcome = await field.ask(() => ({ pieces: [...signs(': OPENROUTER PROCESSING\n\n'), T, F('stop'), U, D] }))
    expectWhole(outcome, 'Whole answer.')
  })

  it('so do empty deltas', async () => {
    const outcome = await field.ask(() => ({ pieces: [...signs(C({ content: '' })), T, F('stop'), U, D] }))
    expectWhole(outcome, 'Whole answer.')
  })

  it('so do pings, of Anthropic and as blank lines', async () => {
    const anthropic = await field.ask(
      () => ({ pieces: [A.start, ...signs(A.ping), ...anthropicPieces('Whole answer.').slice(1)] }),
      {
        provider: 'anthropic',
      },
    )
    expectWhole(anthropic, 'Whole answer.')
    const google = await field.ask(() => ({ pieces: [...signs('\r\n'), ...googlePieces('Whole answer.')] }), {
      provider: 'google',
    })
    expectWhole(google, 'Whole answer.')
  })

  it('silence is none: it ends the try', async () => {
    const outcome = await field.ask(() => ({ pieces: [C('Half'), 5_000, C(' more')] }))
    expectFailed(outcome, 'timeout', { requests: 2 })
  })
})

describe('Field 3: the whole turn has its time', function () {
  this.timeout(40_000)
  const field = useField({ env: { PROVIDER_IDLE_TIMEOUT_MS: '1000', TURN_TIMEOUT_MS: '2000', TURN_MAX_ATTEMPTS: '1' } })

  it('pings without end do not keep a turn for ever', async () => {
    const outcome = await field.ask(() => ({ pieces: Array.from({ length: 40 }, () => [': ping\n\n', 250]).flat() }))
    expectFailed(outcome, 'timeout')
  })
})
