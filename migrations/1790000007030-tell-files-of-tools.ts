import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Files that tools gave back are told from those that their user brought: they have a share of the room and of what is searched. */
export class TellFilesOfTools1790000007030 implements MigrationInterface {
  name = 'TellFilesOfTools1790000007030'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE files ADD COLUMN by_tool boolean NOT NULL DEFAULT false')
    await runner.query(
      `UPDATE files f SET by_tool = true FROM tool_calls c, jsonb_array_elements(c.files) AS o (made)
       WHERE jsonb_typeof(c.files) = 'array' AND f.id = (o.made->>'id')::uuid`,
    )
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE files DROP COLUMN by_tool')
  }
}
