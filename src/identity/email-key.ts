/** What makes two e-mail addresses the same one: upper and lower case, and ways to write a character, do not differ. */
export const emailKeyOf = (email: string): string => email.normalize('NFKC').toLowerCase()
