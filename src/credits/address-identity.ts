import { domainToASCII } from 'node:url'

/** Providers that give mail to a name with and without dots to the same person; and their other names. */
const DOTLESS: Record<string, string> = { 'gmail.com': 'gmail.com', 'googlemail.com': 'gmail.com' }

/**
 * Whose mailbox an address is, for "once for ever": without case, without a tag after "+" and, at Gmail, without dots. The tag
 * goes at every provider, because most give such mail to the same person; where two people differ by it, one of them lacks a gift,
 * and no account. It decides nothing else: to sign in, addresses differ by it.
 *
 * @example addressIdentity('Ada.L+party@GoogleMail.com') // 'adal@gmail.com'
 */
export function addressIdentity(email: string): string {
  const folded = email.normalize('NFKC').toLowerCase().trim()
  const at = folded.lastIndexOf('@')
  const host = folded.slice(at + 1)
  const domain = domainToASCII(host) || host
  const [name = ''] = folded.slice(0, Math.max(0, at)).split('+')
  const dotless = DOTLESS[domain]
  // An address that begins with "+" would be that of everybody.
  const local = name === '' ? folded.slice(0, Math.max(0, at)) : name
  return `${dotless ? local.replaceAll('.', '') : local}@${dotless ?? domain}`
}
