/** Numbers and times as the language of the page writes them. */
import { useLingui } from '@lingui/react'

const SECOND = 1_000
const STEPS: [unit: Intl.RelativeTimeFormatUnit, ms: number][] = [
  ['year', 365 * 86_400 * SECOND],
  ['month', 30 * 86_400 * SECOND],
  ['day', 86_400 * SECOND],
  ['hour', 3_600 * SECOND],
  ['minute', 60 * SECOND],
]

export interface Formats {
  number(value: number): string
  /** Credits are whole numbers or decimal strings, as the API has them. */
  credits(value: number | string): string
  percent(share: number): string
  bytes(value: number): string
  /** Date and time, such as `26 Nov 2026, 09:35`. */
  time(at: string | Date): string
  date(at: string | Date): string
  /** How long ago, or until when: `3 minutes ago`. */
  ago(at: string | Date, now?: number): string
  /** `Ada, Ben and Cora`. */
  list(names: readonly string[]): string
}

const made = new Map<string, Formats>()

export function formatsOf(language: string): Formats {
  const known = made.get(language)
  if (known) return known
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: 2 })
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 })
  const time = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'medium' })
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  const list = new Intl.ListFormat(language, { type: 'conjunction' })
  const formats: Formats = {
    number: (value) => number.format(value),
    credits: (value) => number.format(Number(value)),
    percent: (share) => percent.format(share),
    bytes(value) {
      const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(value, 1)) / 3)))
      const unit = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'][power]
      const options = { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: power > 1 ? 1 : 0 } as const
      return new Intl.NumberFormat(language, options).format(value / 1_000 ** power)
    },
    time: (at) => time.format(new Date(at)),
    date: (at) => date.format(new Date(at)),
    ago(at, now = Date.now()) {
      const ms = new Date(at).getTime() - now
      const [unit, size] = STEPS.find(([, step]) => Math.abs(ms) >= step) ?? ['second', SECOND]
      return relative.format(Math.round(ms / size), unit)
    },
    list: (names) => list.format(names),
  }
  made.set(language, formats)
  return formats
}

/** Formats of the language of the page. */
export const useFormats = (): Formats => formatsOf(useLingui().i18n.locale)
