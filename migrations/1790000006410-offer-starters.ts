import type { MigrationInterface, QueryRunner } from 'typeorm'

const FACES = [
  { id: '01990000-0000-7000-8000-0000000000a1', avatar: '🛠️', color: '#2563eb' },
  { id: '01990000-0000-7000-8000-0000000000a2', avatar: '🧐', color: '#b45309' },
  { id: '01990000-0000-7000-8000-0000000000a3', avatar: '✨', color: '#be185d' },
]

/** Which ready-made parties were taken away; and faces for the demo agents of installations that had them without. */
export class OfferStarters1790000006410 implements MigrationInterface {
  name = 'OfferStarters1790000006410'

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE removed_starters (
        id uuid CONSTRAINT removed_starters_pk PRIMARY KEY,
        created_at timestamptz NOT NULL DEFAULT now()
      )`)
    for (const { id, avatar, color } of FACES) {
      await queryRunner.query(
        `UPDATE agents SET avatar = $2, color = $3 WHERE id = $1 AND user_id IS NULL AND avatar IS NULL AND color IS NULL`,
        [id, avatar, color],
      )
    }
  }

  /** Faces stay: who was given one by whom is not known. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE removed_starters')
  }
}
