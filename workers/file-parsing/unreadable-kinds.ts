/** A kind of file that people send and that has no reader here: what it is, and what to send instead. */
export interface UnreadableKind {
  what: string
  instead: string
}

const VIDEO = 'Send its transcript as text, or pictures of it as JPEG or PNG.'
const SOUND = 'Send its transcript as text.'
const PICTURE = 'Send the picture as JPEG or PNG.'
const DOCUMENT = 'Save it as PDF or DOCX and send that.'
const SHEET = 'Save it as XLSX or CSV and send that.'
const SLIDES = 'Save it as PPTX or PDF and send that.'
const DRAWING = 'Export it as PDF, SVG or PNG and send that.'
const BOOK = 'Convert it to EPUB or PDF and send that.'
const DATA = 'Export it as CSV or JSON and send that.'

/** By bytes at a place near the beginning, given one to a character. */
const UNREADABLE_MARKS: ReadonlyArray<[offset: number, mark: string, what: string, instead: string]> = [
  [0, '\xff\x0a', 'a JPEG XL image', PICTURE],
  [0, '\0\0\0\x0cJXL ', 'a JPEG XL image', PICTURE],
  [0, '\0\0\0\x0cjP  ', 'a JPEG 2000 image', PICTURE],
  [0, '\xff\x4f\xff\x51', 'a JPEG 2000 image', PICTURE],
  [0, 'BM', 'a BMP image', PICTURE],
  [0, '8BPS', 'a Photoshop image', PICTURE],
  [0, '\0\0\x01\0', 'an icon', PICTURE],
  [0, 'qoif', 'a QOI image', PICTURE],
  [0, 'gimp xcf', 'a GIMP image', PICTURE],
  [0, '\xd7\xcd\xc6\x9a', 'a WMF drawing', DRAWING],
  [40, ' EMF', 'an EMF drawing', DRAWING],
  [0, 'AC10', 'an AutoCAD drawing', DRAWING],
  [0, '\x1a\x45\xdf\xa3', 'a Matroska or WebM video', VIDEO],
  [0, '\0\0\x01\xba', 'an MPEG video', VIDEO],
  [0, '\0\0\x01\xb3', 'an MPEG video', VIDEO],
  [0, 'FLV\x01', 'a Flash video', VIDEO],
  [0, '\x30\x26\xb2\x75\x8e\x66\xcf\x11', 'a Windows Media file', VIDEO],
  [8, 'AVI ', 'an AVI video', VIDEO],
  [8, 'WAVE', 'a WAV sound', SOUND],
  [0, 'ID3', 'an MP3 sound', SOUND],
  [0, '\xff\xfb', 'an MP3 sound', SOUND],
  [0, '\xff\xf3', 'an MP3 sound', SOUND],
  [0, '\xff\xf1', 'an AAC sound', SOUND],
  [0, 'fLaC', 'a FLAC sound', SOUND],
  [0, 'OggS', 'an Ogg sound or video', SOUND],
  [0, '#!AMR', 'an AMR sound', SOUND],
  [0, 'FORM', 'an AIFF sound', SOUND],
  [0, 'MThd', 'a MIDI file', SOUND],
  [0, 'SQLite format 3\0', 'an SQLite database', DATA],
  [0, 'PAR1', 'a Parquet file', DATA],
  [0, 'Obj\x01', 'an Avro file', DATA],
  [0, '\x89HDF\r\n\x1a\n', 'an HDF5 file', DATA],
  [4, 'Standard Jet DB', 'an Access database', DATA],
  [4, 'Standard ACE DB', 'an Access database', DATA],
  [60, 'BOOKMOBI', 'a Kindle book', BOOK],
  [0, 'AT&TFORM', 'a DjVu document', DOCUMENT],
  [0, '\xffWPC', 'a WordPerfect document', DOCUMENT],
  [0, '%!PS', 'a PostScript file', DOCUMENT],
  [0, 'ITSF', 'a compiled help file', DOCUMENT],
  [0, '\x78\x9f\x3e\x22', 'a TNEF attachment (winmail.dat)', 'Send the documents that are in it.'],
  [0, '!BDN', 'an Outlook mailbox', 'Save the mails as EML and send those.'],
  [0, '\0\x01\0\0\0', 'a font', 'Send a text instead.'],
  [0, 'wOF', 'a web font', 'Send a text instead.'],
]

/** By the streams of Microsoft's old container, whose names are in UTF-16. */
export const OLE_KINDS: ReadonlyArray<[stream: string, what: string, instead: string]> = [
  ['__substg1.0_', 'an Outlook message (MSG)', 'Save the mail as EML and send that.'],
  ['WordDocument', 'a Word document of before 2007 (DOC)', 'Save it as DOCX or PDF and send that.'],
  ['PowerPoint Document', 'a PowerPoint presentation of before 2007 (PPT)', SLIDES],
  ['Workbook', 'an Excel workbook of before 2007 (XLS)', SHEET],
  ['VisioDocument', 'a Visio drawing', DRAWING],
]

/** What a zip archive that is no document may be, by an entry. */
export const ZIP_KINDS: ReadonlyArray<[entry: RegExp, what: string, instead: string]> = [
  [/^xl\/workbook\.bin$/, 'a binary Excel workbook (XLSB)', SHEET],
  [/^visio\//, 'a Visio drawing', DRAWING],
  [/^(?:Index\/|Index\.zip$|index\.apxl|index\.xml$|.*\.iwa$)/, 'an Apple Pages, Numbers or Keynote file', DOCUMENT],
  [/\.fdseq$/i, 'an XPS document', DOCUMENT],
  [/^doc\.kml$/, 'a KMZ map', 'Send the places as CSV or text.'],
]

/** By brands of the container that phones and cameras use for pictures, sounds and films alike. */
const BRANDS: ReadonlyArray<[brand: RegExp, what: string, instead: string]> = [
  [/^(?:M4A|M4B|M4P)/, 'an M4A sound', SOUND],
  [/^qt/, 'a QuickTime video (MOV)', VIDEO],
  [/^(?:3g|mmp4)/, 'a 3GP video', VIDEO],
  [/^crx/, 'a raw photograph', PICTURE],
  [/^(?:iso|mp4|avc|M4V|f4v|dash|mmp|MSNV|XAVC)/, 'an MP4 video', VIDEO],
]

const brandsOf = (head: Buffer): string[] => {
  const size = Math.min(head.readUInt32BE(0), head.length, 512)
  const brands: string[] = []
  for (let at = 8; at + 4 <= size; at += 4) if (at !== 12) brands.push(head.toString('latin1', at, at + 4))
  return brands
}

/** What a file of this container is; undefined when it is another kind of file. */
export function brandedKind(head: Buffer): 'avif' | 'heic' | UnreadableKind | undefined {
  if (head.length < 16 || head.toString('latin1', 4, 8) !== 'ftyp') return undefined
  const brands = brandsOf(head)
  if (brands.includes('avif') || brands.includes('avis')) return 'avif'
  if (brands.some((brand) => /^(?:hei[cxms]|hev[cxms]|mif[12]|msf1)$/.test(brand))) return 'heic'
  for (const [brand, what, instead] of BRANDS) if (brands.some((name) => brand.test(name))) return { what, instead }
  return { what: 'an MP4 video or a kindred file', instead: VIDEO }
}

/** What bytes give away of a file that has no reader. */
export function unreadableKind(head: Buffer): UnreadableKind | undefined {
  const bytes = head.toString('latin1', 0, 128)
  const found = UNREADABLE_MARKS.find(([offset, mark]) => bytes.startsWith(mark, offset))
  return found && { what: found[2], instead: found[3] }
}
