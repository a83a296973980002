/** Every view of the console: its path, who may see it, and where its code and words are. Views are loaded when they are gone to. */
import { type ComponentType, type LazyExoticComponent, lazy } from 'react'
import type { ConsolePath } from '../../contract/console-paths.ts'
import { loadWords } from '../words/language.ts'

export interface Place {
  /** A pattern of wouter; views with several pages have their own `Switch`. */
  path: '/' | `/${ConsolePath}` | `/${ConsolePath}/*?`
  view: LazyExoticComponent<ComponentType>
  /** `anybody` may see it without an account. */
  access: 'anybody' | 'user' | 'admin'
  /** Without the side bar: what is for somebody who is not signed in, or looks at one thing alone. */
  bare?: boolean
}

/** A view and the words of its folder, at once. */
const view = (folder: string, load: () => Promise<{ default: ComponentType }>) =>
  lazy(async () => {
    const [module] = await Promise.all([load(), loadWords(folder)])
    return module
  })

const auth = (name: 'sign-in' | 'sign-up' | 'forgot-password' | 'reset-password' | 'verify-email') =>
  ({
    'sign-in': () => import('../views/auth/sign-in.view.tsx'),
    'sign-up': () => import('../views/auth/sign-up.view.tsx'),
    'forgot-password': () => import('../views/auth/forgot-password.view.tsx'),
    'reset-password': () => import('../views/auth/reset-password.view.tsx'),
    'verify-email': () => import('../views/auth/verify-email.view.tsx'),
  })[name]

export const PLACES: readonly Place[] = [
  { path: '/', access: 'anybody', view: view('home', () => import('../views/home/home.view.tsx')) },
  { path: '/try', access: 'anybody', bare: true, view: view('try', () => import('../views/try/try.view.tsx')) },
  { path: '/sign-in', access: 'anybody', bare: true, view: view('auth', auth('sign-in')) },
  { path: '/sign-up', access: 'anybody', bare: true, view: view('auth', auth('sign-up')) },
  { path: '/forgot-password', access: 'anybody', bare: true, view: view('auth', auth('forgot-password')) },
  { path: '/reset-password', access: 'anybody', bare: true, view: view('auth', auth('reset-password')) },
  { path: '/verify-email', access: 'anybody', bare: true, view: view('auth', auth('verify-email')) },
  { path: '/s/*?', access: 'anybody', bare: true, view: view('share', () => import('../views/share/shared.view.tsx')) },
  { path: '/c/*?', access: 'user', view: view('room', () => import('../views/room/room.view.tsx')) },
  { path: '/history/*?', access: 'user', view: view('room', () => import('../views/room/history.view.tsx')) },
  { path: '/approvals/*?', access: 'user', view: view('room', () => import('../views/room/approvals.view.tsx')) },
  { path: '/agents/*?', access: 'user', view: view('agents', () => import('../views/agents/agents.view.tsx')) },
  { path: '/parties/*?', access: 'user', view: view('parties', () => import('../views/parties/parties.view.tsx')) },
  { path: '/files/*?', access: 'user', view: view('files', () => import('../views/files/files.view.tsx')) },
  {
    path: '/connections/*?',
    access: 'user',
    view: view('connections', () => import('../views/connections/connections.view.tsx')),
  },
  { path: '/servers/*?', access: 'user', view: view('servers', () => import('../views/servers/servers.view.tsx')) },
  { path: '/gallery/*?', access: 'user', view: view('gallery', () => import('../views/gallery/gallery.view.tsx')) },
  { path: '/credits/*?', access: 'user', view: view('credits', () => import('../views/credits/credits.view.tsx')) },
  { path: '/profile/*?', access: 'user', view: view('profile', () => import('../views/profile/profile.view.tsx')) },
  { path: '/keys/*?', access: 'user', view: view('keys', () => import('../views/keys/keys.view.tsx')) },
  { path: '/webhooks/*?', access: 'user', view: view('webhooks', () => import('../views/webhooks/webhooks.view.tsx')) },
  {
    path: '/schedules/*?',
    access: 'user',
    view: view('schedules', () => import('../views/schedules/schedules.view.tsx')),
  },
  { path: '/admin/*?', access: 'admin', view: view('admin', () => import('../views/admin/admin.view.tsx')) },
]
