/** Signs that nobody sees, which models read as letters all the same: tags, and selectors of variants beyond the first sixteen. */
const UNSEEN = /[\u{e0000}-\u{e01ef}]/gu
/** Besides, signs that have what follows them stand elsewhere. */
const MISLEADING = /[\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e01ef}]/u
/** Whatever of a text does not look like what it is: also signs without a width, marks of direction, and what terminals obey. */
const ODD =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e01ef}]/gu

/** True of a text in which people read something else than a model does. */
export const isMisleading = (text: string): boolean => MISLEADING.test(text)

/** Without what only a model reads. */
export const withoutUnseen = (text: string): string => text.replace(UNSEEN, '')

/** The same JSON, in which nobody is shown something else than it says: who decides on a call goes by what stands there. */
export const plainJson = (json: string): string =>
  json.replace(ODD, (sign) =>
    Array.from({ length: sign.length }, (_, at) => `\\u${sign.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  )
