import { expect } from 'chai'
import { cleanName, contentDisposition } from '../../src/storage/file-name.ts'
import { claimedKinds, mayShowInline, normalType } from '../../src/storage/file-types.ts'
import { fileIdOfKey, objectKeys } from '../../src/storage/store/object-keys.ts'

describe('File names', () => {
  it('lose folders, control characters and marks that reverse them', () => {
    expect(cleanName('../../etc/passwd')).to.equal('passwd')
    expect(cleanName('C:\\temp\\a.txt')).to.equal('a.txt')
    expect(cleanName('a\u0000b\r\n\u001b.txt')).to.equal('ab.txt')
    expect(cleanName('invoice\u202efdp.exe')).to.equal('invoicefdp.exe')
    expect(cleanName('a/..')).to.equal('file')
    expect(cleanName(' \u200f ')).to.equal('file')
  })

  it('keep the letters of all scripts', () => {
    expect(cleanName('תקציר דוח.pdf')).to.equal('תקציר דוח.pdf')
    expect(cleanName('résumé 履歴書 🎉.docx')).to.equal('résumé 履歴書 🎉.docx')
  })

  it('are cut to 255 bytes at a whole letter, with their extension', () => {
    const long = cleanName(`${'é🎉'.repeat(5_000)}.pdf`)
    expect(Buffer.byteLength(long)).to.be.within(245, 255)
    expect(long).to.match(/\.pdf$/)
    expect(long.isWellFormed()).to.equal(true)
  })

  it('are offered by RFC 6266 with an ASCII form and the exact one', () => {
    expect(contentDisposition('attachment', `a"b\\'é(1)%.pdf`)).to.equal(
      `attachment; filename="a_b_'_(1)_.pdf"; filename*=UTF-8''a%22b%5C%27%C3%A9%281%29%25.pdf`,
    )
    expect(contentDisposition('inline', 'דוח.pdf')).to.equal(
      `inline; filename="___.pdf"; filename*=UTF-8''%D7%93%D7%95%D7%97.pdf`,
    )
  })
})

describe('Media types', () => {
  it('are normalised, and anything else is bytes', () => {
    expect(normalType('Text/HTML; charset=utf-8')).to.equal('text/html')
    for (const bad of [undefined, '', 'html', 'a/b\r\nx: y', 'text/html, text/plain']) {
      expect(normalType(bad)).to.equal('application/octet-stream')
    }
  })

  it('that can run something are never shown in place', () => {
    expect(['image/png', 'application/pdf', 'text/plain'].every(mayShowInline)).to.equal(true)
    expect(['text/html', 'image/svg+xml', 'application/json', 'video/mp4'].some(mayShowInline)).to.equal(false)
  })

  it('claim a kind, as names do; generic ones claim nothing', () => {
    expect(claimedKinds('image/png', 'x.PDF')).to.deep.equal(['png', 'pdf'])
    expect(claimedKinds('application/octet-stream', 'README')).to.deep.equal([])
  })
})

describe('Object keys', () => {
  it('are made of the id alone, and lead back to it', () => {
    const id = '019e5a1c-7d3e-7000-8000-0123456789ab'
    expect(objectKeys(id).original).to.equal(`files/ab/${id}/original`)
    for (const key of Object.values(objectKeys(id))) expect(fileIdOfKey(key)).to.equal(id)
    expect(fileIdOfKey('files/ab/../secret')).to.equal(undefined)
  })
})
