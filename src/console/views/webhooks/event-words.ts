import { type WebhookEvent, webhookEvents } from '../../../contract/webhook-events.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

const isKnown = (event: string): event is WebhookEvent => webhookEvents.some((known) => known === event)

/** What an event means. One that this page does not know yet says its name. */
export function useEventWords(): (event: string) => string {
  const t = useWords<typeof words>()
  return (event) => (isKnown(event) ? t(`hooks.event.${event}`) : event)
}
