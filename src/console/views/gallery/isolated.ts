/** A name within a sentence: in whatever direction it runs, it moves no sign of the sentence, and none of it is moved. */
export const isolated = (name: string): string => `\u2068${name}\u2069`
