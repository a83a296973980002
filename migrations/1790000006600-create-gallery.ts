import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Agents and parties that users publish for all of this installation. */
export class CreateGallery1790000006600 implements MigrationInterface {
  name = 'CreateGallery1790000006600'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE gallery_entries (
        id uuid CONSTRAINT gallery_entries_pk PRIMARY KEY,
        user_id uuid NOT NULL CONSTRAINT gallery_entries_user_fk REFERENCES users ON DELETE CASCADE,
        kind text NOT NULL CONSTRAINT gallery_entries_kind_known CHECK (kind IN ('agent', 'party')),
        source_id uuid NOT NULL,
        name text NOT NULL,
        description text NOT NULL,
        tags text[] NOT NULL,
        author_name text NOT NULL,
        strategy text,
        faces jsonb NOT NULL,
        content jsonb NOT NULL,
        snapshot_hash text NOT NULL,
        imports integer NOT NULL DEFAULT 0,
        search tsvector NOT NULL,
        removed_at timestamptz,
        removed_reason text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT gallery_entries_removal_whole CHECK ((removed_at IS NULL) = (removed_reason IS NULL))
      )`)
    await queryRunner.query('CREATE UNIQUE INDEX gallery_entries_source_unique ON gallery_entries (user_id, source_id)')
    await queryRunner.query('CREATE INDEX gallery_entries_user ON gallery_entries (user_id, id)')
    await queryRunner.query('CREATE INDEX gallery_entries_kind ON gallery_entries (kind, id)')
    await queryRunner.query('CREATE INDEX gallery_entries_imports ON gallery_entries (imports, id)')
    await queryRunner.query('CREATE INDEX gallery_entries_kind_imports ON gallery_entries (kind, imports, id)')
    await queryRunner.query('CREATE INDEX gallery_entries_search ON gallery_entries USING gin (search)')
    await queryRunner.query(`
      CREATE TABLE gallery_imports (
        entry_id uuid NOT NULL CONSTRAINT gallery_imports_entry_fk REFERENCES gallery_entries ON DELETE CASCADE,
        user_id uuid NOT NULL CONSTRAINT gallery_imports_user_fk REFERENCES users ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT gallery_imports_pk PRIMARY KEY (entry_id, user_id)
      )`)
    await queryRunner.query('CREATE INDEX gallery_imports_user ON gallery_imports (user_id)')
    await queryRunner.query(`
      CREATE TABLE gallery_removals (
        snapshot_hash text CONSTRAINT gallery_removals_pk PRIMARY KEY,
        created_at timestamptz NOT NULL DEFAULT now()
      )`)
    await queryRunner.query(`
      CREATE TABLE gallery_budgets (
        user_id uuid CONSTRAINT gallery_budgets_pk PRIMARY KEY CONSTRAINT gallery_budgets_user_fk REFERENCES users ON DELETE CASCADE,
        taken_until timestamptz NOT NULL
      )`)
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['gallery_budgets', 'gallery_removals', 'gallery_imports', 'gallery_entries']) {
      await queryRunner.query(`DROP TABLE ${table}`)
    }
  }
}
