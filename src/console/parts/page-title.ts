/** What the browser's tab is called: the view, and before it how much waits for whoever is signed in. */
let view = ''
let waiting = ''

function write(): void {
  const name = view === '' ? 'Chatsparty' : `${view} · Chatsparty`
  document.title = waiting === '' ? name : `(${waiting}) ${name}`
}

/** Empty for a page that has no name of its own. */
export function nameView(title: string): void {
  view = title
  write()
}

/** A number in the language of the page; empty for nothing. */
export function showWaiting(number: string): void {
  waiting = number
  write()
}
