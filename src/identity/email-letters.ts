/**
 * The words of our mails. Plain text, and nothing in them that anybody could have written: else a registration with somebody's
 * address would be a way to write to them.
 */
interface Words {
  subject: string
  text: string
}

/** What follows `#` is sent to no server, and stands in no log and no Referer. */
const link = (publicUrl: string, page: string, token: string): string =>
  `${publicUrl.replace(/\/+$/, '')}/${page}#token=${token}`

const hours = (ms: number): string => (ms >= 7_200_000 ? `${Math.round(ms / 3_600_000)} hours` : 'an hour')

export const verifyLetter = (publicUrl: string, token: string, lifeMs: number): Words => ({
  subject: 'Confirm your e-mail address for Chatsparty',
  text: `Somebody, probably you, has registered this e-mail address at Chatsparty.

To confirm that it is yours, open this link within ${hours(lifeMs)}:

${link(publicUrl, 'verify-email', token)}

If it was not you, do nothing: without the link, nobody can use your address.
`,
})

export const resetLetter = (publicUrl: string, token: string, lifeMs: number): Words => ({
  subject: 'Choose a new password for Chatsparty',
  text: `Somebody, probably you, has asked for a new password for your account at Chatsparty.

To choose one, open this link within ${hours(lifeMs)}. It works once, and signs you out everywhere:

${link(publicUrl, 'reset-password', token)}

If it was not you, do nothing: your password stays as it is.
`,
})

export const changedLetter = (): Words => ({
  subject: 'Your e-mail address at Chatsparty was changed',
  text: `The e-mail address of your account at Chatsparty was changed to another one; mails are sent there from now on.

If it was not you, somebody knows your password: write to whoever runs this Chatsparty.
`,
})
