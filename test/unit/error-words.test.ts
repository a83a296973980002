import { expect } from 'chai'
import { ERROR_WORDS } from '../../src/shared/error-words.ts'
import { AppError, invalidRequest, notFound } from '../../src/shared/errors.ts'

describe('The words of errors', () => {
  it('come from the catalogue, with what belongs into them', () => {
    const error = new AppError('file.too_large', { words: { maxBytes: 10 }, details: { maxBytes: 10 } })
    expect(error).to.deep.include({ status: 413, code: 'file.too_large', details: { maxBytes: 10 } })
    expect(error.message).to.equal('A file may have at most 10 bytes.')
    expect(notFound('run')).to.deep.include({ status: 404, code: 'run.not_found', message: 'There is no such run.' })
  })

  it('have other sentences for other occasions, with the same code', () => {
    const [first, second] = [new AppError('auth.unauthorized'), new AppError('auth.unauthorized/socket')]
    expect([first.code, second.code]).to.deep.equal(['auth.unauthorized', 'auth.unauthorized'])
    expect(second.message, 'braces around words are words').to.equal('Sign in first: connect with auth: { token }.')
    expect(new AppError('request.invalid/body', { status: 415 }).status).to.equal(415)
  })

  it('take what is put in as it is', () => {
    expect(invalidRequest([{ path: 'a', message: 'is {issues} $&' }]).message).to.equal('a: is {issues} $&')
  })

  it('are whole sentences, each code with one domain and one status of an error', () => {
    for (const [key, [status, sentence]] of Object.entries(ERROR_WORDS)) {
      expect(key).to.match(/^[a-z]+\.[a-z_]+(\/[a-z_]+)?$/)
      expect(status).to.be.within(400, 599)
      expect(sentence, key).to.match(/[.}"]$/)
    }
  })

  it('must be in the catalogue: anything else does not compile', () => {
    // @ts-expect-error: no such code
    expect(() => new AppError('file.unheard_of')).to.throw()
    // @ts-expect-error: its sentence needs words
    expect(new AppError('file.too_large').message).to.contain('{maxBytes}')
    // @ts-expect-error: its sentence needs other words
    expect(new AppError('file.too_large', { words: { bytes: 1 } }).message).to.contain('{maxBytes}')
    // @ts-expect-error: nothing of that kind is ever missing
    expect(() => notFound('unicorn')).to.throw()
  })
})
