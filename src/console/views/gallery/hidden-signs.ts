/**
 * Signs that nobody sees: zero-width ones, tags, overrides of direction. Some of them spell out words that models read. Joints of letters and
 * emoji, and the marks by which Arabic and Hebrew stand right, are none of these.
 */
const HIDDEN = /(?![\u061c\u200c-\u200f]|\ufe0e|\ufe0f)\p{Default_Ignorable_Code_Point}/gu
/** A flag of a part of a country is spelt in tags, and shows. */
const FLAG = /\u{1f3f4}[\u{e0020}-\u{e007e}]{1,8}\u{e007f}/gu

/** How many signs of a text are there without being seen. */
export const hiddenSigns = (text: string): number => text.replace(FLAG, '').match(HIDDEN)?.length ?? 0
