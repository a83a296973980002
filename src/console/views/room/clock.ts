import { useLingui } from '@lingui/react'

const made = new Map<string, Intl.DateTimeFormat>()

/** The time of a day, as the language of the page writes it. */
export function useClock(): (at: string) => string {
  const { locale } = useLingui().i18n
  let format = made.get(locale)
  if (!format) {
    format = new Intl.DateTimeFormat(locale, { timeStyle: 'short' })
    made.set(locale, format)
  }
  const known = format
  return (at) => known.format(new Date(at))
}
