import { createTransport, type Transporter } from 'nodemailer'

/** A mail with its words, as plain text. */
export interface Letter {
  to: string
  subject: string
  text: string
}

/** How the connection to the mail server is protected: never less than this. */
export type SmtpTls = 'required' | 'optional' | 'none'

const CONNECT_MS = 10_000
const SILENCE_MS = 30_000
/** Connections to the mail server that one process has at most, and mails that it sends by one of them. */
const CONNECTIONS = 2
const LETTERS = 100

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Sends by the server of an `smtp://` or `smtps://` address. */
export class SmtpTransport {
  readonly #transporter: Transporter
  readonly #from: string
  readonly #domain: string

  /** @param tls by default required, but to this machine itself, where there is mostly no certificate */
  constructor({ url, from, tls }: { url: string; from: string; tls: SmtpTls | undefined }) {
    const { hostname } = new URL(url)
    const protection = tls ?? (LOOPBACK.test(hostname) ? 'none' : 'required')
    this.#from = from
    this.#domain = /@([^>\s]+)/.exec(from)?.[1] ?? 'localhost'
    this.#transporter = createTransport({
      ...addressOf(url),
      pool: true,
      maxConnections: CONNECTIONS,
      maxMessages: LETTERS,
      connectionTimeout: CONNECT_MS,
      greetingTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      requireTLS: protection === 'required',
      ignoreTLS: protection === 'none',
      tls: { minVersion: 'TLSv1.2' },
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }

  /** The same id gives the same Message-ID, by which mailboxes tell what comes twice. */
  async send(id: string, { to, subject, text }: Letter): Promise<void> {
    await this.#transporter.sendMail({
      // As an object: a string would be parsed, and could then be several.
      to: { name: '', address: to },
      from: this.#from,
      subject,
      text,
      messageId: `<${id}@${this.#domain}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
  }

  close(): void {
    this.#transporter.close()
  }
}

function addressOf(address: string) {
  const url = new URL(address)
  const secure = url.protocol === 'smtps:'
  const user = decodeURIComponent(url.username)
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port ? Number(url.port) : secure ? 465 : 587,
    secure,
    auth: user ? { user, pass: decodeURIComponent(url.password) } : undefined,
  }
}
