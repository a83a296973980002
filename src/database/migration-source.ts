import type { DataSource } from 'typeorm'

const quoted = (sql: string): string =>
  `\`${sql.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}\``

/** The text of a migration that brings the schema to what the entities say; undefined when they agree. */
export async function generateMigration(db: DataSource, name: string, timestamp: number): Promise<string | undefined> {
  const { upQueries, downQueries } = await db.driver.createSchemaBuilder().log()
  if (upQueries.length === 0) return undefined
  const className = `${name.replace(/(^|-)(\w)/g, (_match, _dash, letter: string) => letter.toUpperCase())}${timestamp}`
  const body = (queries: Array<{ query: string }>) =>
    queries.map(({ query }) => `    await queryRunner.query(${quoted(query)})`).join('\n')
  return `import type { MigrationInterface, QueryRunner } from 'typeorm'

export class ${className} implements MigrationInterface {
  name = '${className}'

  async up(queryRunner: QueryRunner): Promise<void> {
${body(upQueries)}
  }

  async down(queryRunner: QueryRunner): Promise<void> {
${body(downQueries.toReversed())}
  }
}
`
}
