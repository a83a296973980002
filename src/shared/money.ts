/** Credits are integer micro-credits (`bigint`) everywhere in code and database; 1 credit = 1,000,000 micro-credits. */
export const MICRO = 1_000_000n

const DECIMAL = /^(-?)(\d{1,12})(?:\.(\d{1,6}))?$/

/**
 * Micro-credits of an exact decimal string.
 * @throws RangeError when it is not a decimal with at most 12 + 6 digits.
 * @example parseCredits('9998.5') // 9998500000n
 */
export function parseCredits(decimal: string): bigint {
  const match = DECIMAL.exec(decimal)
  if (!match) throw new RangeError('must be a decimal number with at most six places, such as "12.5"')
  const [, sign, whole = '', fraction = ''] = match
  const micro = BigInt(whole) * MICRO + BigInt(fraction.padEnd(6, '0'))
  return sign ? -micro : micro
}

/**
 * The exact decimal string with six places that the API shows.
 * @example formatCredits(9998123456n) // "9998.123456"
 */
export function formatCredits(micro: bigint): string {
  const absolute = micro < 0n ? -micro : micro
  const fraction = (absolute % MICRO).toString().padStart(6, '0')
  return `${micro < 0n ? '-' : ''}${absolute / MICRO}.${fraction}`
}
