/** Declarations stand at the very beginning. */
const HEAD_BYTES = 4_096
/** What a guess is made of; more makes it slow and no better. */
const SAMPLE_BYTES = 64 * 1024
/** One byte in so many sequences that is no UTF-8 does not make a text another encoding. */
const FEW_ERRORS = 10
const FEW_HIGHS = 5

type Decoder = InstanceType<typeof TextDecoder>

/** A decoder by the name of an encoding, as the web knows them; undefined when there is none of this name. */
export function decoderOf(name: string | undefined, fatal = false): Decoder | undefined {
  if (!name) return undefined
  try {
    return new TextDecoder(name.trim(), { fatal })
  } catch {
    return undefined
  }
}

const strictly = (name: string, bytes: Uint8Array): string | undefined => {
  try {
    return decoderOf(name, true)?.decode(bytes)
  } catch {
    return undefined
  }
}

/** UTF-32, which the web does not know. */
function decodeUtf32(bytes: Uint8Array, littleEndian: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const pieces: string[] = []
  for (let at = 4; at + 4 <= bytes.length; at += 4) {
    const code = view.getUint32(at, littleEndian)
    pieces.push(code < 0x110000 && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd')
  }
  return pieces.join('')
}

/** The Unicode encoding that a mark, or the pattern of zeros that ASCII leaves in it, gives away. */
export function unicodeOf(head: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' | 'utf-32le' | 'utf-32be' | undefined {
  const [a, b, c, d] = head
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 && head.length >= 8 ? 'utf-32le' : 'utf-16le'
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return 'utf-32be'
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8'
  const sample = head.subarray(0, 512)
  if (sample.length < 4) return undefined
  let even = 0
  let odd = 0
  // The higher byte of a script's letters is one of a few.
  const highs = [new Set<number>(), new Set<number>()] as const
  for (const [index, byte] of sample.entries()) {
    highs[index % 2 === 0 ? 0 : 1].add(byte)
    if (byte === 0 && index % 2 === 0) even++
    else if (byte === 0) odd++
  }
  const half = sample.length / 2
  const some = Math.max(2, half * 0.03)
  const little = (odd > half * 0.4 && even < half * 0.05) || (even === 0 && odd >= some && highs[1].size <= FEW_HIGHS)
  const big = (even > half * 0.4 && odd < half * 0.05) || (odd === 0 && even >= some && highs[0].size <= FEW_HIGHS)
  const guess = little ? 'utf-16le' : big ? 'utf-16be' : undefined
  // Data that is no text has zeros, too; read so, it has signs that nobody writes.
  return guess && PRINTED.test(new TextDecoder(guess).decode(sample.subarray(0, sample.length & ~1)))
    ? guess
    : undefined
}

const PRINTED = /^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Z}\p{Cf}\t\r\n]*$/u

/** What the text says of itself: `<?xml encoding="...">`, `<meta charset=...>`, `@charset`, or a line for editors. */
function declaredEncoding(head: Uint8Array): string | undefined {
  const text = Buffer.from(head.subarray(0, HEAD_BYTES)).toString('latin1')
  const found =
    /^\s*<\?xml[^>]{0,200}?\sencoding\s{0,9}=\s{0,9}["']([\w.:-]{2,40})/i.exec(text) ??
    /<meta\s[^>]{0,300}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w.:-]{2,40})/i.exec(text) ??
    /^@charset "([\w.:-]{2,40})"/i.exec(text) ??
    /coding[:=]\s{0,9}([\w.-]{2,40})/.exec(text.slice(0, 300))
  return found?.[1]
}

/** The text of bytes that are nearly all UTF-8; undefined when they are something else. */
function mostlyUtf8(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder('utf-8').decode(bytes)
  let errors = 0
  let letters = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 0xfffd) errors++
    else if (code > 127 && (code < 0xdc00 || code > 0xdfff)) letters++
  }
  return letters >= errors * FEW_ERRORS || (letters > 0 && errors === 1) ? text : undefined
}

/** Decoded with an encoding that bytes do not fit, a text has control characters that nobody types. */
const isPlausible = (text: string): boolean => {
  let odd = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if ((code >= 0x80 && code < 0xa0) || code === 0xfffd || (code >= 0xe000 && code < 0xf900)) odd++
  }
  return odd * 500 <= text.length
}

/** Encodings that shift by escape signs are ASCII byte for byte. */
const ESCAPES: Array<[mark: string, encoding: string]> = [
  ['\x1b$B', 'iso-2022-jp'],
  ['\x1b$@', 'iso-2022-jp'],
  ['\x1b(J', 'iso-2022-jp'],
]

async function guess(bytes: Uint8Array): Promise<string> {
  // Most texts are UTF-8.
  const { analyse } = await import('chardet')
  for (const { name } of analyse(bytes.subarray(0, SAMPLE_BYTES))) {
    const text = decoderOf(name)?.decode(bytes)
    if (text !== undefined && isPlausible(text)) return text
  }
  return new TextDecoder('windows-1252').decode(bytes)
}

/**
 * The text of bytes: by a mark; as UTF-8 where it is that; as it declares itself; as UTF-8 with signs for what is broken
 * where nearly all of it is UTF-8; else as its letters look like.
 */
export async function decodeText(bytes: Uint8Array): Promise<string> {
  const unicode = unicodeOf(bytes)
  if (unicode === 'utf-32le' || unicode === 'utf-32be') return decodeUtf32(bytes, unicode === 'utf-32le')
  if (unicode !== undefined && unicode !== 'utf-8') return new TextDecoder(unicode).decode(bytes)
  const head = Buffer.from(bytes.subarray(0, SAMPLE_BYTES)).toString('latin1')
  const escaped = ESCAPES.find(([mark]) => head.includes(mark))
  const shifted = escaped && strictly(escaped[1], bytes)
  if (shifted !== undefined) return shifted
  const utf8 = strictly('utf-8', bytes)
  if (utf8 !== undefined) return utf8
  const decoder = decoderOf(declaredEncoding(bytes))
  // A declaration of Unicode that the bytes do not keep is none.
  const declared = decoder && !decoder.encoding.startsWith('utf-') ? decoder.decode(bytes) : undefined
  if (declared !== undefined && isPlausible(declared)) return declared
  return mostlyUtf8(bytes) ?? (await guess(bytes))
}

/** A decoder for XML that comes in pieces, by its first bytes: a mark, its declaration, else UTF-8. */
export function xmlDecoder(head: Uint8Array): Decoder {
  const unicode = unicodeOf(head)
  if (unicode !== undefined && !unicode.startsWith('utf-32')) return new TextDecoder(unicode)
  return decoderOf(declaredEncoding(head)) ?? new TextDecoder('utf-8')
}
