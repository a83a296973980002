import { z } from 'zod'
import { zip } from '../support/file-corpus.ts'
import type { Attack, Finding } from './attack-run.ts'

const reservation = z.looseObject({ id: z.uuid() })
const fileList = z.object({ data: z.array(z.object({ status: z.string() })) })
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
    const begun = performance.now()
    const file = await honest.fileSettled(await honest.upload('note.txt', 'text/plain', 'A short note.'))
    const waitedMs = performance.now() - begun
    const { data } = fileList.parse((await hostile.get('/api/storage/files?limit=100')).body)
    const done = data.filter(({ status }) => status !== 'processing').length
    findings.push({
      what: `a note behind ${taken} heavy documents (${heavy.length} bytes each): ready after`,
      before: 'two hours, first come first served',
      now: `${(waitedMs / 1_000).toFixed(1)} s (${file.status}; ${done} of the others were done)`,
      held: file.status === 'ready' && (taken < 5 || done < taken),
    })

    const user = await ground.person()
    const content = Buffer.alloc(2_000_000, 'x')
    const { id } = reservation.parse(
      (await user.post('/api/storage/uploads', { name: 'a.txt', contentType: 'text/plain', size: content.length }))
        .body,
    )
    const puts = await Promise.all(
      Array.from({ length: 12 }, () =>
        fetch(`${ground.url}/api/storage/uploads/${id}/content`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${user.token}`, 'content-type': 'application/octet-stream' },
          body: content,
        }).then(({ status }) => status),
      ),
    )
    const written = puts.filter((status) => status === 204).length
    findings.push({
      what: 'twelve PUTs to one reservation at once: written',
      before: '12 times',
      now: `${written} (${[...new Set(puts)].join(', ')})`,
      held: written === 1,
    })

    const small = Buffer.alloc(1_000_000, 'y')
    let passes = 0
    const most = short ? 40 : 400
    for (; passes < most; passes++) {
      try {
        const one = await user.upload(`loop-${passes}.txt`, 'text/plain', small)
        await user.delete(`/api/storage/files/${one}`)
      } catch {
        break
      }
    }
    findings.push({
      what: 'upload and delete of 1 MB in a loop: passes before it is refused',
      before: 'no limit',
      now: passes === most ? `${passes} and on` : `${passes}`,
    })
    return findings
  },
}
