import { expect } from 'chai'
import { ChatspartyClient } from '../../src/client/client.ts'
import { useWorld } from './world.ts'

const text = (name: string, content: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(content) })

describe('The view of files', () => {
  const world = useWorld({ UPLOAD_MAX_BYTES: '100000' })
  const apiOf = ({ token }: { token: string }) => new ChatspartyClient({ url: world.url, token })

  it('uploads several, shows each becoming ready or why not, and keeps what is too large from being sent', async () => {
    const user = await world.app.api.register()
    const visitor = await world.visitAs(user)
    const { page } = visitor
    await visitor.open('/files')
    await page.getByRole('heading', { name: 'No files yet' }).waitFor()
    await page.getByText(/each at most/).waitFor()
    await visitor.check('files-empty')
    const input = page.locator('input[type=file]')
    await input.setInputFiles([
      text('notes.txt', 'Tea is better than coffee.'),
      { name: 'broken.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7 and nothing more') },
      text('huge.txt', 'x'.repeat(100_001)),
    ])
    await page.getByText('Too large:').waitFor()
    await page.getByRole('listitem').filter({ hasText: 'notes.txt' }).getByText('Ready').waitFor()
    await page.getByRole('listitem').filter({ hasText: 'broken.pdf' }).getByText('Failed').waitFor()
    await visitor.check('files')
    const { data } = await apiOf(user).files.list()
    expect(data.map(({ name, status }) => `${name} ${status}`).sort()).to.deep.equal([
      'broken.pdf failed',
      'notes.txt ready',
    ])
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download notes.txt' }).click()
    expect((await download).suggestedFilename()).to.equal('notes.txt')
    await page.getByLabel('Find by name').fill('broken')
    await page.getByText('notes.txt').waitFor({ state: 'hidden' })
    await page.getByLabel('Find by name').fill('')
    await page.getByLabel('Choose notes.txt').check()
    await page.getByLabel('Choose broken.pdf').check()
    await page.getByRole('button', { name: 'Delete 2 files' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { name: 'No files yet' }).waitFor()
    expect((await apiOf(user).files.list()).data).to.deep.equal([])
    visitor.expectQuiet()
  })

  for (const look of [{ locale: 'de-DE', dark: true, phone: true }, { locale: 'ar-EG' }]) {
    it(`stands in every look: ${look.locale}`, async () => {
      const user = await world.app.api.register()
      const client = apiOf(user)
      await client.files.upload(new Blob(['Hello'], { type: 'text/plain' }), {
        name: 'a-rather-long-name-of-a-file.txt',
      })
      await client.files.upload(new Blob(['%PDF-1.7'], { type: 'application/pdf' }), { name: 'broken.pdf' })
      const visitor = await world.visitAs(user, look)
      await visitor.open('/files')
      await visitor.page
        .getByText(look.locale === 'ar-EG' ? 'فشل' : 'Gescheitert')
        .last()
        .waitFor()
      await visitor.page
        .getByRole('listitem')
        .getByText(look.locale === 'ar-EG' ? 'جاهز' : 'Bereit')
        .waitFor()
      await visitor.check(`files-${look.locale}`)
    })
  }
})
