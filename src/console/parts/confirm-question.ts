/** What `confirm` asks. */
export interface Question {
  title: string
  text?: string
  /** What the button says that does it: a verb. */
  action: string
  danger?: boolean
  /** Has to be typed first, for what cannot be undone at all. */
  typed?: string
}
export type Asked = Question & { answer: (yes: boolean) => void }
