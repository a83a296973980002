/**
 * The first parts of the console's own paths: what a browser that asks for them is given is its page, which then shows the view. The
 * server and the console's table of places are made of this one list.
 */
export const CONSOLE_PATHS = [
  'admin',
  'agents',
  'approvals',
  'c',
  'connections',
  'credits',
  'files',
  'forgot-password',
  'gallery',
  'history',
  'keys',
  'parties',
  'profile',
  'reset-password',
  's',
  'schedules',
  'servers',
  'sign-in',
  'sign-up',
  'try',
  'verify-email',
  'webhooks',
] as const

export type ConsolePath = (typeof CONSOLE_PATHS)[number]
