/** A text in an encoding of one byte or two, made by asking its decoder what its bytes mean; `?` for what it has no bytes for. */
export function encode(label: string, text: string): Buffer {
  const decoder = new TextDecoder(label)
  const wanted = new Set(text)
  const found = new Map<string, number[]>()
  const note = (...bytes: number[]) => {
    const sign = decoder.decode(Uint8Array.from(bytes))
    if (wanted.has(sign) && !found.has(sign)) found.set(sign, bytes)
  }
  for (let byte = 0; byte < 256; byte++) note(byte)
  if (/gbk|jis|euc|big5/.test(label)) {
    for (let lead = 0x81; lead < 0xff; lead++) for (let trail = 0x40; trail < 0xff; trail++) note(lead, trail)
  }
  return Buffer.from(Array.from(text, (sign) => found.get(sign) ?? [0x3f]).flat())
}
