import type en from './en.ts'

export default {} satisfies Record<keyof typeof en, string>
