import { expect } from 'chai'
import sharp from 'sharp'
import type { TestUser } from '../support/api-client.ts'
import type { MockRequest } from '../support/mock-llm.ts'
import { usePartyWorld } from '../workers/party-world.ts'
import { objectsFrom, pdfOf, pictureObject, placed } from './pdfs.ts'

/** A PDF of so many pages that are pictures, and one of words. */
async function scan(pictures: number): Promise<Buffer> {
  const jpeg = await sharp({ create: { width: 80, height: 100, channels: 3, background: '#ddeeff' } })
    .jpeg()
    .toBuffer()
  const xobject = `/I ${objectsFrom(pictures + 1)} 0 R`
  return pdfOf(
    [
      ...Array.from({ length: pictures }, () => ({ content: 'q 612 0 0 792 0 0 cm /I Do Q', xobject })),
      { content: placed([[50, 700, 'The last page has words that anybody can read.']]) },
    ],
    [pictureObject(jpeg, 80, 100)],
  )
}

const filesIn = (request: MockRequest | undefined): string =>
  request?.messages.find(({ text }) => text.includes('<files>'))?.text ?? ''
const picturesIn = (request: MockRequest | undefined): number =>
  JSON.stringify(request?.body).match(/data:image\/jpeg;base64,/g)?.length ?? 0

describe('Field 21: scans and pictures reach the models that see', function () {
  this.timeout(60_000)
  const world = usePartyWorld({ env: { RECONCILE_INTERVAL_MS: '60000' } })

  const uploaded = async (user: TestUser, name: string, type: string, content: Buffer) =>
    user.fileSettled(await user.upload(name, type, content))
  const seeing = async (user: TestUser) =>
    (await user.agentsOn({ provider: 'openai', model: 'gpt-5-mini', baseUrl: world.llm.baseUrl('openai') }, ['Ada']))[0]
  const ask = async (user: TestUser, agentId: string | undefined, message: string, fileIds: string[]) => {
    world.llm.reply({ text: 'Seen.', usage: null })
    const { runId } = await user.accept('/api/chat', { agentId, message, fileIds })
    expect((await user.finished(runId)).status).to.equal('completed')
    return world.llm.requests.at(-1)
  }

  it('page by page, those that the question names first, within what a turn is shown', async () => {
    const user = await world.app.api.register()
    const { id, status } = await uploaded(user, 'scan.pdf', 'application/pdf', await scan(12))
    expect(status).to.equal('ready')
    const request = await ask(user, await seeing(user), 'What is on page 11?', [id])
    expect(picturesIn(request)).to.equal(8)
    expect(filesIn(request)).to.contain(
      '- "scan.pdf": a text, 13 pages; 12 pages are pictures without text, of which page 1, 2, 3, 4, 5, 6, 7, 11 is shown to you',
    )
    expect(filesIn(request)).to.contain('words that anybody can read')
  })

  it('and are said to be scans to those that do not', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    const { id } = await uploaded(user, 'scan.pdf', 'application/pdf', await scan(2))
    const request = await ask(user, agentIds[0], 'What does it say?', [id])
    expect(JSON.stringify(request?.body)).to.not.contain('base64')
    expect(filesIn(request)).to.contain('2 pages are pictures without text, and you cannot see pictures')
  })

  it('as TIFF and as drawn SVG, whose words those read that do not see', async () => {
    const { user, agentIds } = await world.guests(['Ada'])
    const tiff = await sharp({ create: { width: 20, height: 20, channels: 3, background: 'red' } })
      .tiff()
      .toBuffer()
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><text y="20">North Sea</text></svg>'
    const ids = [
      (await uploaded(user, 'fax.tif', 'image/tiff', tiff)).id,
      (await uploaded(user, 'map.svg', 'image/svg+xml', Buffer.from(svg))).id,
    ]
    const blind = await ask(user, agentIds[0], 'Which sea?', ids)
    expect(filesIn(blind)).to.contain('- "map.svg": a text').and.to.contain('North Sea')
    expect(filesIn(blind)).to.contain('"fax.tif": could not be read (an image, and you cannot see')
    const sighted = await ask(user, await seeing(user), 'Which sea?', ids)
    expect(filesIn(sighted))
      .to.contain('"map.svg": an image, shown to you')
      .and.to.contain('"fax.tif": an image, shown')
    expect(JSON.stringify(sighted?.body)).to.match(
      /data:image\/jpeg;base64,.*data:image\/png;base64,|data:image\/png;base64,.*data:image\/jpeg;base64,/,
    )
  })

  it('or are refused by name, with what to send instead', async () => {
    const user = await world.app.api.register()
    const heic = Buffer.concat([Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'), Buffer.alloc(500)])
    const refused = await uploaded(user, 'IMG_1.HEIC', 'image/heic', heic)
    expect(refused.error?.code).to.equal('file.type_unsupported')
    expect(refused.error?.message)
      .to.match(/HEIC/)
      .and.to.match(/JPEG or PNG/)
    const video = await uploaded(
      user,
      'clip.mp4',
      'video/mp4',
      Buffer.from('\0\0\0\x18ftypisom\0\0\0\0isommp41', 'latin1'),
    )
    expect(video.error?.message).to.match(/MP4 video/)
    const request = await ask(user, await seeing(user), 'What is in it?', [refused.id])
    expect(filesIn(request)).to.contain('"IMG_1.HEIC": could not be read (This HEIC image')
  })
})
