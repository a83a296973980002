import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import PostalMime from 'postal-mime'
import { SMTPServer } from 'smtp-server'
import { eventually } from './pace.ts'

export interface ReceivedMail {
  to: string
  from: string
  subject: string
  text: string
  messageId: string
}

/** A real SMTP server on the loopback, which keeps what it is sent. */
export interface MailServer {
  url: string
  readonly mails: ReceivedMail[]
  /** Refuses so many of the next mails to this address, with this code. */
  refuse(address: string, times: number, code: number): void
  /** The newest mail to this address; waits for it. */
  to(address: string): Promise<ReceivedMail>
  /** What the link in a mail carries. */
  tokenFor(address: string, page: 'verify-email' | 'reset-password'): Promise<string>
  stop(): Promise<void>
}

export async function startMailServer(options: { startTls?: boolean } = {}): Promise<MailServer> {
  const mails: ReceivedMail[] = []
  let refusals = { address: '', times: 0, code: 0 }
  const server = new SMTPServer({
    authOptional: true,
    hideSTARTTLS: options.startTls !== true,
    onRcptTo: ({ address }, _session, done) => {
      if (refusals.times === 0 || refusals.address !== address) return done()
      refusals.times -= 1
      done(Object.assign(new Error('not now'), { responseCode: refusals.code }))
    },
    onData: (stream, session, done) => {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', () => {
        PostalMime.parse(Buffer.concat(parts)).then((mail) => {
          mails.push({
            to: session.envelope.rcptTo.map(({ address }) => address).join(','),
            from: mail.from?.address ?? '',
            subject: mail.subject ?? '',
            text: mail.text ?? '',
            messageId: mail.messageId ?? '',
          })
          done()
        }, done)
      })
    },
  })
  server.on('error', () => {})
  const listening = server.listen(0, '127.0.0.1')
  if (!listening.listening) await once(listening, 'listening')
  const { port } = listening.address() as AddressInfo
  const newest = (address: string) => mails.findLast(({ to }) => to.toLowerCase() === address.toLowerCase())
  const to = (address: string) => eventually(() => newest(address))
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    refuse: (address, times, code) => {
      refusals = { address, times, code }
    },
    to,
    tokenFor: (address, page) =>
      eventually(() => {
        const found = mails.findLast(
          (mail) => mail.to.toLowerCase() === address.toLowerCase() && mail.text.includes(page),
        )
        return found && new RegExp(`${page}#token=([\\w-]+)`).exec(found.text)?.[1]
      }),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
