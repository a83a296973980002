import { once } from 'node:events'
import { type ClientRequest, request as httpRequest } from 'node:http'
import { z } from 'zod'
import { zip } from '../support/file-corpus.ts'
import type { Attack, Finding } from './attack-run.ts'

const MEGABYTE = 1_000_000
const USER_UPLOADS_AT_ONCE = 6
const reservation = z.looseObject({ id: z.uuid() })
const fileList = z.object({ data: z.array(z.object({ status: z.string() })) })
/** Places of one process for files, those for small ones among them. */
const READ_AT_ONCE = 4
const TYPE = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'

/** Little to send, much to read: paragraphs that compress to nothing. */
function heavyDocument(): Buffer {
  const body = '<w:p><w:r><w:t>a</w:t></w:r></w:p>'.repeat(400_000)
  return zip([
    { name: '[Content_Types].xml', data: '<Types/>' },
    {
      name: 'word/document.xml',
      data: `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>${body}</w:body></w:document>`,
    },
  ])
}

interface HalfUpload {
  request: ClientRequest
  /** The answer, if there is one before the upload has ended. */
  answered: Promise<number>
}

/** Begins an upload and lets it hang. */
async function beginUpload(url: string, token: string): Promise<HalfUpload> {
  const request = httpRequest(`${url}/api/storage/upload`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'multipart/form-data; boundary=b',
      'content-length': MEGABYTE,
    },
  })
  request.on('error', () => {})
  const answered = once(request, 'response').then(([response]) => {
    response.resume()
    return Number(response.statusCode)
  })
  answered.catch(() => {})
  request.write(
    '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\nhalf',
  )
  return { request, answered }
}

/** How many were refused, once it is as many as that; those that are not are never answered. */
async function refusedOf(uploads: HalfUpload[], expected: number): Promise<number> {
  let refused = 0
  await new Promise<void>((resolve) => {
    const silence = setTimeout(resolve, 20_000)
    for (const { answered } of uploads) {
      answered
        .then((status) => {
          if (status >= 400) refused += 1
          if (refused >= expected) resolve()
        })
        .catch(() => {})
        .finally(() => refused >= expected && clearTimeout(silence))
    }
  })
  return refused
}

export const attack: Attack = {
  title: 'uploads',
  async run({ ground, short }) {
    const findings: Finding[] = []
    const count = short ? 10 : 120
    const hostile = await ground.person()
    const heavy = heavyDocument()
    let taken = 0
    for (let i = 0; i < count; i++) {
      try {
        await hostile.upload(`heavy-${i}.docx`, TYPE, heavy)
        taken += 1
      } catch {
        break
      }
    }
    const honest = await ground.person()
    const over = async () =>
      fileList
        .parse((await hostile.get('/api/storage/files?limit=100')).body)
        .data.filter(({ status }) => status !== 'processing').length
    const begun = performance.now()
    const before = await over()
    const file = await honest.fileSettled(await honest.upload('note.txt', 'text/plain', 'A short note.'))
    const waitedMs = performance.now() - begun
    const meanwhile = (await over()) - before
    findings.push({
      what: `a note behind ${taken} heavy documents (${heavy.length} bytes each): ready after`,
      before: 'two hours, first come first served',
      now: `${(waitedMs / 1_000).toFixed(1)} s (${file.status}; ${meanwhile} of the others were read meanwhile)`,
      // Those that were being read already may end, and as many begin before the note is looked at.
      held: file.status === 'ready' && meanwhile <= 2 * READ_AT_ONCE,
    })

    const budget = ground.uploadBytesPerDay / MEGABYTE
    const user = await ground.person()
    const content = Buffer.alloc(2 * MEGABYTE, 'x')
    const { id } = reservation.parse(
      (await user.post('/api/storage/uploads', { name: 'a.txt', contentType: 'text/plain', size: content.length }))
        .body,
    )
    const put = () =>
      fetch(`${ground.url}/api/storage/uploads/${id}/content`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${user.token}`, 'content-type': 'application/octet-stream' },
        body: content,
      }).then(({ status }) => status)
    let written = 0
    let puts: number[]
    // Each of them is written again where it comes after another: until the day is used up.
    do {
      puts = await Promise.all(Array.from({ length: 12 }, put))
      written += puts.filter((status) => status === 204).length
    } while (puts.includes(204) && written <= budget)
    findings.push({
      what: 'one reservation of 2 MB, twelve PUTs at a time: written before it is refused',
      before: '12 times at once, and no limit',
      now: `${written} times (${[...new Set(puts)].join(', ')})`,
      held: written * content.length <= ground.uploadBytesPerDay && puts.includes(429),
    })

    // Of uploads that are under way nobody knows the size yet.
    const half = await Promise.all(Array.from({ length: 12 }, () => beginUpload(ground.url, honest.token)))
    const refused = await refusedOf(half, 12 - USER_UPLOADS_AT_ONCE)
    for (const { request } of half) request.destroy()
    findings.push({
      what: 'twelve uploads of one user under way at once: refused',
      before: '0',
      now: `${refused}`,
      held: refused === 12 - USER_UPLOADS_AT_ONCE,
    })

    const small = Buffer.alloc(MEGABYTE, 'y')
    const looping = await ground.person()
    let passes = 0
    const most = 2 * budget
    for (; passes < most; passes++) {
      try {
        const one = await looping.upload(`loop-${passes}.txt`, 'text/plain', small)
        await looping.delete(`/api/storage/files/${one}`)
      } catch {
        break
      }
    }
    findings.push({
      what: `upload and delete of 1 MB in a loop, ${budget} a day: passes before it is refused`,
      before: 'no limit',
      now: passes === most ? `${passes} and on` : `${passes}`,
      held: passes <= budget,
    })
    return findings
  },
}
