/** The gallery as clients see it. Pure: browsers import this file too. */
import { z } from 'zod'
import { agentView } from './agent-views.ts'
import { galleryKinds } from './gallery.schemas.ts'
import { idView, partyView, strategyView, timeView } from './views.ts'

const summary = {
  id: idView,
  kind: z.enum(galleryKinds),
  name: z.string().meta({ examples: ['The founders'] }),
  description: z.string(),
  tags: z.array(z.string()),
  authorName: z.string().meta({ examples: ['Ada L.'] }),
  /** How a party talks; null for an agent. */
  strategy: strategyView.nullable(),
  /** Who is in it: one, or all of a party in their order. */
  faces: z.array(agentView.pick({ name: true, avatar: true, color: true })),
  /** Users who have imported it, its author aside. */
  imports: z.number().int().min(0),
  /** Says which state of it this is: another one with every change of what is shown, but of the author's name. */
  revision: z.string(),
  mine: z.boolean(),
  /** Of one's own, the agent or party that it was published from. */
  sourceId: idView.nullable(),
  /** An administrator took it away: only its author, and administrators, see it. */
  removed: z.object({ at: timeView, reason: z.string() }).nullable(),
  createdAt: timeView,
  updatedAt: timeView,
}

/** An entry as it is listed. */
export const galleryEntryView = z.object(summary).meta({ id: 'GalleryEntry' })
export type GalleryEntryView = z.infer<typeof galleryEntryView>

/** An agent as it was when it was published: all that an import brings. */
export const publishedAgentView = agentView
  .pick({
    name: true,
    instructions: true,
    characteristics: true,
    chatStyle: true,
    temperature: true,
    avatar: true,
    color: true,
  })
  .extend({
    /** It was an agent of the platform, which nobody needs a copy of while it is the same. */
    platformAgentId: idView.nullable(),
  })
  .meta({ id: 'PublishedAgent' })
export type PublishedAgentView = z.infer<typeof publishedAgentView>

/** How a published party talks. */
export const publishedPartyView = partyView
  .pick({ strategy: true, maxTurns: true, stop: true })
  .meta({ id: 'PublishedParty' })
export type PublishedPartyView = z.infer<typeof publishedPartyView>

/** An entry with all that an import of it brings: what its agents are told can be read before. */
export const wholeGalleryEntryView = z
  .object({ ...summary, agents: z.array(publishedAgentView), party: publishedPartyView.nullable() })
  .meta({ id: 'WholeGalleryEntry' })
export type WholeGalleryEntryView = z.infer<typeof wholeGalleryEntryView>

const named = z.object({ id: idView, name: z.string() })
/** What an import made: names differ from the entry's where one's own had them already. */
export const importedView = z
  .object({ kind: z.enum(galleryKinds), agents: z.array(named), party: named.nullable() })
  .meta({ id: 'Imported' })
export type ImportedView = z.infer<typeof importedView>
