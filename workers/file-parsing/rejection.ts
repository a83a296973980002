/** The file itself is the reason that it cannot be read: trying again would not help. `message` is for its owner. */
export class Rejection extends Error {
  override name = 'Rejection'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export const malformed = (what: string): Rejection => new Rejection('file.malformed', `The file is damaged: ${what}.`)
export const encrypted = (): Rejection =>
  new Rejection('file.encrypted', 'The file is protected by a password and cannot be read.')
export const archiveBomb = (): Rejection =>
  new Rejection('file.archive_bomb', 'The file unpacks to far more than its size allows.')
export const tooManyPages = (limit: number): Rejection =>
  new Rejection('file.too_many_pages', `The file has more than ${limit} pages.`)
export const tooMuchText = (limit: number): Rejection =>
  new Rejection('file.too_much_text', `The file has more than ${limit} characters of text.`)
export const executable = (): Rejection => new Rejection('file.executable', 'Programs cannot be uploaded.')
export const unsupported = (what: string, instead = ''): Rejection =>
  new Rejection('file.type_unsupported', `Files of this kind cannot be read: ${what}.${instead && ` ${instead}`}`)
