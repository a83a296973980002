/**
 * What a webhook may ask for. Each has its trigger in the database, which writes the delivery in the transaction of what it tells of:
 * an event exists exactly when what it tells has happened.
 */
export const webhookEvents = [
  'run.completed',
  'run.failed',
  'run.cancelled',
  'file.ready',
  'file.failed',
  /** A call of a tool that somebody is to decide on; asked again where nobody knows what came of it. */
  'tool.approval_requested',
  /** What came of it: nobody's word in time is a no. Where its run is stopped meanwhile, that is told. */
  'tool.approved',
  'tool.denied',
  'tool.expired',
  /** Credits that somebody was granted, given back, or had adjusted. */
  'credits.added',
  /** A run that ended because there were no credits left for it. */
  'credits.exhausted',
] as const

export type WebhookEvent = (typeof webhookEvents)[number]

/** `pending` until it was taken; `failed` when nobody took it in all its tries, or its webhook was turned off. */
export const deliveryStatuses = ['pending', 'delivered', 'failed'] as const
export type DeliveryStatus = (typeof deliveryStatuses)[number]

/** Why a webhook is off: its owner's word, its receiver's (410), or days of failures. */
export const disabledReasons = ['owner', 'gone', 'failing'] as const
export type DisabledReason = (typeof disabledReasons)[number]
