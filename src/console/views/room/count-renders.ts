/** How often each message was drawn, where somebody asked for it before the page was loaded: tests, and whoever looks for what is slow. */

declare global {
  interface Window {
    chatspartyRenders?: Map<string, number>
  }
}

if (sessionStorage.getItem('chatsparty.countRenders') !== null) window.chatspartyRenders = new Map()

export function countRender(key: string): void {
  const counts = window.chatspartyRenders
  counts?.set(key, (counts.get(key) ?? 0) + 1)
}
