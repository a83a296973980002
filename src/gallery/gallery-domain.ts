import type { AgentService } from '../agents/agent.service.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { IdempotencyRepository } from '../chat/idempotency.repository.ts'
import { SearchSeats } from '../chat/search-seats.ts'
import type { Transactions } from '../database/transaction.ts'
import type { PartyService } from '../parties/party.service.ts'
import { DailyUses } from './daily-uses.ts'
import { GalleryRepository } from './gallery.repository.ts'
import { GalleryService } from './gallery.service.ts'
import { GalleryImportService } from './gallery-import.service.ts'

/** Searches at once: the words of all entries are one index. */
const SEATS = { each: 2, all: 8 }

interface GalleryDomainDependencies {
  db: ConstructorParameters<typeof GalleryRepository>[0]
  transactions: Transactions
  audit: AuditLog
  agents: AgentService
  parties: PartyService
  idempotency: IdempotencyRepository
  /** USER_GALLERY_ENTRIES. */
  most: number
  /** GALLERY_USES_PER_DAY. */
  usesPerDay: number
}

/** Everything of the gallery, for the composition root. */
export function createGalleryDomain({ db, most, usesPerDay, idempotency, ...rest }: GalleryDomainDependencies) {
  const entries = new GalleryRepository(db)
  const uses = new DailyUses(usesPerDay, entries)
  return {
    galleryService: new GalleryService({ ...rest, entries, uses, most, seats: new SearchSeats(SEATS) }),
    galleryImportService: new GalleryImportService({ ...rest, entries, uses, idempotency }),
  }
}
