/**
 * Everything that the audit log records: what concerns the security of an account, and what administrators do. Add here, in order;
 * a name that was used once keeps its meaning for ever, because the log's rows do.
 */
export const auditActions = [
  'user.registered',
  /** A guest has given the account an address. */
  'guest.kept',
  'user.read',
  'user.listed',
  'user.sessions_read',
  'user.updated',
  'user.role_changed',
  'user.suspended',
  'user.unsuspended',
  'user.deleted',
  'user.exported',

  'login.succeeded',
  /** Failures of one account from one network within a time are one entry, with their count. */
  'login.failed',
  /** The right password, and then a wrong or missing second factor; counted as the failures are. */
  'login.factor_failed',
  'session.ended',
  'session.revoked',
  'password.changed',
  'password.reset_requested',
  'password.reset',
  'email.changed',
  'email.verified',
  'totp.enabled',
  'totp.disabled',
  'totp.recovery_code_used',

  'key.created',
  'key.revoked',
  'share.created',
  'share.revoked',

  'invitation.created',
  'invitation.revoked',
  'invitation.used',
  'gallery.published',
  'gallery.unpublished',
  /** By an administrator. */
  'gallery.removed',
  'credits.granted',
  'credits.added',
  'credits.losses_read',
  'price.created',
  'price.changed',
  /** With the scope, "user" or "platform". Of users' own connections only what concerns their keys. */
  'connection.created',
  'connection.updated',
  'connection.key_changed',
  'connection.deleted',
  /** Of a user's own servers what concerns their credentials, and which changed tools were allowed. */
  'mcp_server.credentials_changed',
  'mcp_server.signed_in',
  'mcp_server.signed_out',
  'mcp_server.deleted',
  'mcp_tool.allowed',
  /** Ready-made parties. */
  'starter.removed',
  'starter.offered',
  'audit.read',
  'queues.looked',
  'run.listed',
  'run.ended',
  'run.retried',
] as const

export type AuditAction = (typeof auditActions)[number]
