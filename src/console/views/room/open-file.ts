import type { ChatspartyClient } from '../../../client/client.ts'

/**
 * Opens a file in a tab of its own, a PDF at the page. The tab is opened at once, because browsers allow it only where something was
 * pressed, and goes to the file when its address is there.
 */
export async function openFile(client: ChatspartyClient, id: string, page: number | null): Promise<void> {
  const tab = window.open('', '_blank')
  if (tab) tab.opener = null
  try {
    const address = new URL(await client.ticketUrl({ for: 'file.download', id }))
    address.searchParams.set('disposition', 'inline')
    if (page !== null) address.hash = `page=${page}`
    if (tab) tab.location.replace(address)
    else location.assign(address)
  } catch (error) {
    tab?.close()
    throw error
  }
}
