import { expect } from 'chai'
import { isGuessable } from '../../src/identity/guessable-password.ts'

const EMAIL = 'ada.lovelace+work@engine.example.com'
const verdicts = async (passwords: string[]) =>
  Object.fromEntries(await Promise.all(passwords.map(async (one) => [one, await isGuessable(one, EMAIL)] as const)))
const all = (passwords: string[], verdict: boolean) => Object.fromEntries(passwords.map((one) => [one, verdict]))

describe('Passwords that are guessed early', () => {
  it('are those that many use, however they are written and whatever little is put around them', async () => {
    const bad = [
      'motherfucker',
      'administrator',
      'Administrator',
      'password1234',
      'Password2024!',
      'P@ssw0rd1234',
      '1234password',
      'superman12345678',
      'qwertyuiop12',
      'passwordpassword',
      'ｐａｓｓｗｏｒｄ1234',
      'baseball!!!!!',
    ]
    expect(await verdicts(bad)).to.deep.equal(all(bad, true))
  })

  it('are one thing again and again, or a row of neighbours', async () => {
    const bad = [
      'aaaaaaaaaaaa',
      'abababababab',
      '123123123123',
      'abcdefghijkl',
      '987654321098',
      '123456789012',
      'xyzxyzxyzxyzxy',
    ]
    expect(await verdicts(bad)).to.deep.equal(all(bad, true))
  })

  it('are our name, and the address of the account with what is in it', async () => {
    const bad = [
      'chatsparty2026',
      'ChatsParty!!!',
      'chatsparty123456789',
      'ada.lovelace+work@engine.example.com',
      'adalovelace1815',
      'Lovelace2026',
    ]
    expect(await verdicts(bad)).to.deep.equal(all(bad, true))
    expect(await isGuessable('adalovelace1815', 'somebody@else.com'), 'of another account').to.equal(false)
  })

  it('are not phrases, random characters, or long words of which one is common', async () => {
    const good = [
      'correct horse battery',
      'correct horse battery staple',
      'another horse battery',
      'k3J9xQ2pL0vT',
      'dragons eat paper',
      'Zwölf Boxkämpfer',
      '密码是很难猜的一个句子呢对吧',
      'tulip-monsoon-42-drum',
      'w7#Gh!2pQz$9',
    ]
    expect(await verdicts(good)).to.deep.equal(all(good, false))
  })

  it('are told with bounded work, whatever is sent', async () => {
    for (const one of [
      'a'.repeat(128),
      'ab'.repeat(64),
      'İ'.repeat(128),
      '\u{fdfa}'.repeat(128),
      `${'a'.repeat(127)}b`,
    ]) {
      await isGuessable(one, EMAIL)
    }
    expect(await isGuessable('', '')).to.equal(true)
  })
})
