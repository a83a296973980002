/** What was written into a field, without the blanks around it. */
export const written = (form: FormData, name: string): string => String(form.get(name) ?? '').trim()

/** A decimal number with a comma is one in many languages; the API takes a point. */
export const decimal = (form: FormData, name: string): string => written(form, name).replace(',', '.')
