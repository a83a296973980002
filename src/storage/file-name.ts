const FALLBACK = 'file'
/** What file systems take as one name; longer ones make clients fail when they save. */
const MAX_BYTES = 255
/** Control characters, and the marks that reverse how a name is shown ("exe.fdp" shown as "pdf.exe"). */
const UNSHOWABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

const bytes = (text: string): number => Buffer.byteLength(text)

/**
 * A name that is safe to show and to offer for saving: the last part of a path, without control and direction marks, at most 255
 * bytes of UTF-8 with its extension kept. Letters of all scripts stay.
 * @example cleanName('../../etc/pass\u0000wd.txt') // 'passwd.txt'
 */
export function cleanName(name: string): string {
  const base = name.toWellFormed().replace(UNSHOWABLE, '').split(/[/\\]/).at(-1) ?? ''
  const clean = base.normalize('NFC').trim()
  if (/^\.*$/.test(clean)) return FALLBACK
  if (bytes(clean) <= MAX_BYTES) return clean
  const dot = clean.lastIndexOf('.')
  const extension = dot > 0 && bytes(clean.slice(dot)) <= 20 ? clean.slice(dot) : ''
  let kept = ''
  let size = bytes(extension)
  // By grapheme, so that no letter loses its accent.
  for (const { segment } of new Intl.Segmenter().segment(clean.slice(0, 1_000))) {
    size += bytes(segment)
    if (size > MAX_BYTES) break
    kept += segment
  }
  return (kept || FALLBACK) + extension
}

/** The extension in lower case without its dot; '' when there is none. */
export const extensionOf = (name: string): string => /\.([^.]{1,20})$/.exec(name)?.[1]?.toLowerCase() ?? ''

/**
 * Content-Disposition by RFC 6266: an ASCII name for old clients and the exact name by RFC 8187.
 * @example contentDisposition('attachment', 'né "1".pdf') // attachment; filename="n_ _1_.pdf"; filename*=UTF-8''n%C3%A9%20%221%22.pdf
 */
export function contentDisposition(type: 'attachment' | 'inline', name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/gu, '_')
  const exact = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `${type}; filename="${ascii}"; filename*=UTF-8''${exact}`
}
