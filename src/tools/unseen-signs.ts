/** Signs that nobody sees, which models read as letters all the same: tags, and selectors of variants beyond the first sixteen. */
const UNSEEN = /[\u{e0000}-\u{e01ef}]/gu
/** Besides, signs that have what follows them stand elsewhere. */
const MISLEADING = /[\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e01ef}]/u

/** True of a text in which people read something else than a model does. */
export const isMisleading = (text: string): boolean => MISLEADING.test(text)

/** Without what only a model reads. */
export const withoutUnseen = (text: string): string => text.replace(UNSEEN, '')
