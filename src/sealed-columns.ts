import type { SealedColumn } from './connections/sealed-value.repository.ts'
import { HEADERS_FIELD } from './mcp/mcp-sessions.ts'
import { GRANT_FIELDS } from './mcp/mcp-tokens.ts'
import { SECRET_FIELD } from './webhooks/webhook.service.ts'

/** Every column that holds sealed texts (their names end in `_sealed`); the canary's apart, which is no row's. */
export const sealedColumns: readonly SealedColumn[] = [
  { table: 'connections', column: 'api_key_sealed', field: 'apiKey' },
  { table: 'mcp_grants', column: 'access_sealed', field: GRANT_FIELDS.access },
  { table: 'mcp_grants', column: 'client_secret_sealed', field: GRANT_FIELDS.secret },
  { table: 'mcp_grants', column: 'refresh_sealed', field: GRANT_FIELDS.refresh },
  { table: 'mcp_grants', column: 'verifier_sealed', field: GRANT_FIELDS.verifier },
  { table: 'mcp_servers', column: 'headers_sealed', field: HEADERS_FIELD },
  { table: 'server_keys', column: 'key_sealed', field: 'key' },
  { table: 'users', column: 'totp_sealed', field: 'totp' },
  { table: 'webhooks', column: 'secret_sealed', field: SECRET_FIELD },
  { table: 'webhooks', column: 'previous_sealed', field: SECRET_FIELD },
]
