/** Connections to model providers as clients see them. Pure: browsers import this file too. */
import { z } from 'zod'
import { errorView, idView, listOf, timeView } from './views.ts'

const breaker = {
  /** `open`: nobody is called until then; `half_open`: one call tries it; else `closed`. */
  state: z.enum(['closed', 'open', 'half_open']),
  until: timeView.nullable(),
  /** Of the failure that opened it. */
  code: z.string().nullable(),
}
export const breakerView = z.object(breaker).meta({ id: 'Breaker' })
export type BreakerView = z.infer<typeof breakerView>

/** A connection (by its id) or a host in trouble, as administrators see it. */
export const troubleView = z
  .object({ subject: z.string(), failures: z.number().int(), opens: z.number().int(), ...breaker })
  .meta({ id: 'Trouble' })
export type TroubleView = z.infer<typeof troubleView>

export const connectionView = z
  .object({
    id: idView,
    name: z.string(),
    provider: z.string().meta({ examples: ['openai-compatible'] }),
    /** Null: the provider's own; of the platform's, the administrators' business, as are its key's last letters. */
    baseUrl: z.string().nullable(),
    model: z.string(),
    apiKeyLast4: z.string().nullable(),
    /** A key that is too short for its end to be shown is one, too. */
    hasApiKey: z.boolean(),
    scope: z.enum(['user', 'platform']),
    isDefault: z.boolean(),
    breaker: breakerView,
    /** What its models turned out to need, in words. */
    learnt: z.array(z.object({ model: z.string(), notes: z.array(z.string()) })),
    createdAt: timeView,
    updatedAt: timeView,
  })
  .meta({ id: 'Connection' })
export type ConnectionView = z.infer<typeof connectionView>

/** What a call of a few tokens came to. Failures are outcomes. */
export const connectionTestView = z
  .discriminatedUnion('ok', [
    z.object({
      ok: z.literal(true),
      model: z.string(),
      latencyMs: z.number(),
      /** What parties can expect of the model, in words. */
      learnt: z.array(z.string()),
    }),
    z.object({ ok: z.literal(false), error: errorView }),
  ])
  .meta({ id: 'ConnectionTest' })
export type ConnectionTestView = z.infer<typeof connectionTestView>

/** A provider or server that users name, with what a connection to it needs. */
export const providerView = z
  .object({
    id: z.string().meta({ examples: ['openrouter'] }),
    name: z.string(),
    /** The `provider` of a connection to it. */
    provider: z.string(),
    /** Null: the provider's own, so that a connection needs none. Parts in braces are the user's. */
    baseUrl: z.string().nullable(),
    needsApiKey: z.boolean(),
    needsBaseUrl: z.boolean(),
    exampleModel: z.string(),
    note: z.string(),
    /** What it is known to need, in words. */
    dialect: z.array(z.string()),
  })
  .meta({ id: 'Provider' })
export type ProviderView = z.infer<typeof providerView>

/** A model as its provider lists it. */
export const listedModelView = z
  .object({
    id: z.string(),
    name: z.string().nullable(),
    /** Tokens that fit into its context. */
    contextTokens: z.number().nullable(),
  })
  .meta({ id: 'ListedModel' })
export type ListedModelView = z.infer<typeof listedModelView>
/** All of them, as they were at `fetchedAt`. */
export const connectionModelsView = z.object({ ...listOf(listedModelView).shape, fetchedAt: timeView })
export type ConnectionModelsView = z.infer<typeof connectionModelsView>
