import type { DataSource } from 'typeorm'
import { z } from 'zod'

const found = z.array(z.object({ id: z.uuid(), database: z.string() })).max(1)

/** Which installation this is, and the database that it is in. */
export interface InstallationIdentity {
  id: string
  /** Another one for a restored copy, the same for a standby that takes over. */
  database: string
}

/**
 * The installation of this database. Its id is made by whoever asks first, and not by a migration: a template that was migrated
 * once is no installation yet, and its clones are different ones.
 */
export async function findInstallation(db: DataSource): Promise<InstallationIdentity> {
  const look = async () =>
    found.parse(
      await db.query(
        `SELECT i.id, (SELECT system_identifier FROM pg_control_system()) || '.' || d.oid AS database
         FROM installation i, pg_database d WHERE d.datname = current_database()`,
      ),
    )[0]
  // Two that come at once: one of them writes, and both read it.
  const make = () =>
    db.query('INSERT INTO installation (id) VALUES (gen_random_uuid()) ON CONFLICT (is_only) DO NOTHING')
  const installation = (await look()) ?? (await make().then(look))
  if (!installation) throw new Error('the installation has no id')
  return installation
}
