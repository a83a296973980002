import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { config } from 'zod'
import { App } from './app/app.tsx'
import { applyTheme } from './app/theme.ts'
import './style.css'
import { beginLanguage } from './words/language.ts'

// The policy of the page forbids code that is made at run time; without this, zod would try.
config({ jitless: true })

// A page that was opened before an upgrade asks for parts that are gone: the new page has them.
window.addEventListener('vite:preloadError', (event) => {
  const last = Number(sessionStorage.getItem('chatsparty.reloaded') ?? 0)
  if (Date.now() - last < 10_000) return
  event.preventDefault()
  sessionStorage.setItem('chatsparty.reloaded', String(Date.now()))
  location.reload()
})

applyTheme()
await beginLanguage()
const root = document.getElementById('root')
if (root)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
