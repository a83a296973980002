import { expect } from 'chai'
import { Metrics } from '../../src/metrics/metrics.ts'

describe('A figure that is watched', () => {
  it('is told by who watched it last: a worker may be started again in its process', async () => {
    const metrics = new Metrics()
    for (const value of [1, 2]) metrics.watch('again', 'A figure.', [], () => [{ labels: {}, value }])
    expect(await metrics.text()).to.match(/^chatsparty_again 2$/m)
  })
})
