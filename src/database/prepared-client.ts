import { Client, type ClientConfig } from 'pg'
import { preparedName } from './prepared-statement.ts'

/**
 * A connection that has declared statements (`prepared`) parsed and planned once. TypeORM hands the driver texts without names, so
 * a declared text is named here, on its way.
 */
export class PreparedClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config)
    const send: CallableFunction = this.query
    const query = (statement: unknown, values: unknown, ...rest: unknown[]): unknown => {
      const name = typeof statement === 'string' && preparedName(statement)
      return Reflect.apply(send, this, [name ? { name, text: statement } : statement, values, ...rest])
    }
    Object.defineProperty(this, 'query', { value: query })
  }
}
