import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'

const ROOT = join(import.meta.dirname, '../..')

describe('What is skipped', () => {
  for (const mode of [[], ['--parallel']]) {
    it(`is told at the end of a run, with its reason (${mode.join() || 'one after another'})`, async function () {
      this.timeout(60_000)
      const mocha = join(ROOT, 'node_modules/mocha/bin/mocha.js')
      const reporter = ['--reporter', join(ROOT, 'test/support/reporter.ts')]
      const fixture = join(import.meta.dirname, 'skips.fixture.ts')
      const args = [mocha, '--no-config', '--no-package', ...mode, ...reporter, fixture]
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT })
      const lines = stdout.trimEnd().split('\n')
      expect(lines.filter((line) => line.startsWith('Skipped: '))).to.deep.equal([
        'Skipped: A suite that lacks something counts: there is no abacus on the PATH.',
        'Skipped: A suite that lacks something and one in it counts too: there is no abacus on the PATH.',
        'Skipped: Tests may lack something: it is Sunday.',
        'Skipped: Tests may be to come: it does not say why.',
      ])
      expect(lines.at(-1)).to.equal('1 passed, 0 failed, 4 skipped')
    })
  }
})
