import PostalMime, { type Address } from 'postal-mime'
import type { Section } from './chunks.ts'
import { readHtml } from './html-reader.ts'
import { malformed } from './rejection.ts'

const shown = (address: Address): string => {
  if (address.group) return `${address.name}: ${address.group.map(shown).join(', ')}`
  return address.name ? `${address.name} <${address.address}>` : address.address
}
const line = (label: string, value: string | undefined): string[] => (value ? [`${label}: ${value}`] : [])
const list = (addresses: Address[] | undefined): string | undefined => addresses?.map(shown).join(', ')

/** A mail: its heads, its words, and the names of what is attached; attachments are not read. @throws Rejection */
export async function* readEml(bytes: Uint8Array): AsyncIterable<Section> {
  const mail = await PostalMime.parse(bytes, { maxNestingDepth: 50, maxRfc822NestingDepth: 5 }).catch(() => {
    throw malformed('it is no readable mail')
  })
  const place = { page: null, heading: mail.subject?.trim() || null }
  const head = [
    ...line('Subject', mail.subject),
    ...line('From', mail.from && shown(mail.from)),
    ...line('To', list(mail.to)),
    ...line('Cc', list(mail.cc)),
    ...line('Date', mail.date),
  ]
  yield { ...place, text: head.join('\n') }
  if (mail.text?.trim()) yield { ...place, text: mail.text }
  else if (mail.html) for (const { text } of readHtml(mail.html)) yield { ...place, text }
  const names = mail.attachments.map(({ filename, mimeType }) => `- ${filename ?? 'unnamed'} (${mimeType})`)
  if (names.length > 0) yield { ...place, text: ['Attachments, which are not part of this text:', ...names].join('\n') }
}
