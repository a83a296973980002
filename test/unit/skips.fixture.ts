import { skip } from '../support/programs.ts'

describe('A suite that lacks something', () => {
  before(function () {
    skip(this, 'there is no abacus on the PATH')
  })
  it('counts', () => {})
  describe('and one in it', () => {
    it('counts too', () => {})
  })
})

describe('Tests', () => {
  it('pass', () => {})
  it('may lack something', function () {
    skip(this, 'it is Sunday')
  })
  it('may be to come')
})
