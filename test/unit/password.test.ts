import { argon2Sync } from 'node:crypto'
import { expect } from 'chai'
import { hashPassword, NOBODYS_HASH, verifyPassword } from '../../src/identity/password.ts'

describe('Passwords', () => {
  it('are kept as argon2id with its cost and a salt of their own', async () => {
    const [one, two] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])
    expect(one).to.match(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(one).not.to.equal(two)
    expect(await verifyPassword('correct horse', one)).to.equal(true)
    expect(await verifyPassword('correct horse', two)).to.equal(true)
  })

  it('match letter by letter only', async () => {
    const hash = await hashPassword('Grüße 🐴 und Äpfel')
    for (const wrong of ['', 'grüße 🐴 und äpfel', 'Grüße 🐴 und Äpfel ', 'Grusse und Apfel', hash])
      expect(await verifyPassword(wrong, hash), wrong).to.equal(false)
    expect(await verifyPassword('Grüße 🐴 und Äpfel', hash)).to.equal(true)
  })

  it('that were hashed at another cost still match, so that the cost can be raised', async () => {
    const nonce = Buffer.from('somesaltsomesalt')
    const parameters = { message: 'password', nonce, tagLength: 32, memory: 1024, passes: 1, parallelism: 1 }
    const bare = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
    const phc = `$argon2id$v=19$m=1024,t=1,p=1$${bare(nonce)}$${bare(argon2Sync('argon2id', parameters))}`
    expect(await verifyPassword('password', phc)).to.equal(true)
    expect(await verifyPassword('passwore', phc)).to.equal(false)
  })

  it("never match what is no hash, nor the one that is nobody's", async () => {
    for (const broken of ['', 'plain', '$argon2id$v=19$m=1,t=1,p=1$$', '$2b$10$abcdefghijklmnopqrstuv'])
      expect(await verifyPassword('plain', broken), broken).to.equal(false)
    expect(await verifyPassword('', NOBODYS_HASH)).to.equal(false)
    expect(await verifyPassword('A'.repeat(43), NOBODYS_HASH)).to.equal(false)
  })
})
