import { expect } from 'chai'
import { usePace } from '../support/pace.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'
import { needPrograms } from '../support/programs.ts'

describe('npm run chaos -- --short', () => {
  usePace()
  let chaos: TestProcess | undefined
  after(() => chaos?.kill('SIGTERM'))

  it('counts nothing lost and nothing twice', async function () {
    needPrograms(this, 'redis-server')
    chaos = startProcess('test/chaos/chaos.ts', { args: ['--short'] })
    const { code } = await chaos.ended
    if (code !== 0) console.log(chaos.output)
    expect(code).to.equal(0)
    const [, turns = '0', kills = '0'] = /^(\d+) turns, (\d+) kills: nothing was lost/m.exec(chaos.output) ?? []
    console.log(`      ${turns} turns, ${kills} kills`)
    expect(Number(turns)).to.be.above(0)
    expect(Number(kills)).to.be.above(0)
  })
})
