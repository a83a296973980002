import { z } from 'zod'

const ms = (fallback: number) => z.coerce.number().int().min(10).max(86_400_000).default(fallback)
/** Days that something is kept; 0: for ever. `least` where less would take away what is still in use. */
const days = (fallback: number, least = 1) =>
  z.coerce
    .number()
    .int()
    .min(0)
    .max(36_500)
    .refine((given) => given === 0 || given >= least, `must be 0 (for ever) or at least ${least}`)
    .default(fallback)
const count = (fallback: number, min = 1) => z.coerce.number().int().min(min).max(1_000_000_000_000).default(fallback)

/**
 * Every interval and limit of the system, each with its reason. All are environment variables (so that operators and
 * tests can move them); the defaults are meant to be right. `_MS` is milliseconds, `_BYTES` is bytes.
 */
export const tunables = {
  /** A turn's lease. A killed worker's turn runs elsewhere after at most this long; renewed at a third of it. */
  TURN_LEASE_MS: ms(4_000),
  /** A provider call that sends nothing for this long is a timeout (retryable). Reasoning models think for a minute. */
  PROVIDER_IDLE_TIMEOUT_MS: ms(90_000),
  /**
   * A provider that does not even send the headers of its answer for this long is a timeout too: models that think send them at
   * once. Raise it for a local server that loads its model, or reads a long prompt, before it answers anything.
   */
  PROVIDER_FIRST_BYTE_MS: ms(30_000),
  /** So many calls in a row that find a provider silent or broken open its connection's breaker: nobody calls it for a while. */
  BREAKER_FAILURES: count(5),
  /** ... for this long, and twice as long each further time. */
  BREAKER_OPEN_MS: ms(15_000),
  /** ... but at most this long; then one call tries it. */
  BREAKER_OPEN_MAX_MS: ms(600_000),
  /** What a turn does whose provider's breaker is open, where its agent has no second connection: `wait`, or `fail` at once. */
  PROVIDER_OUTAGE: z.enum(['wait', 'fail']).default('wait'),
  /** A whole turn may not take longer than this; then it fails as a timeout. */
  TURN_TIMEOUT_MS: ms(600_000),
  /** A run that is still not over after this long is failed by the reconciler, whatever happened to it. */
  RUN_DEADLINE_MS: ms(3_600_000),
  /**
   * How often a turn is tried when the provider has retryable trouble, the first try included; and how often a tool is asked that gives no
   * answer, and may be asked again.
   */
  TURN_MAX_ATTEMPTS: count(5),
  /** First backoff after retryable trouble, also of tools; doubles with each attempt, with jitter; Retry-After wins when longer. */
  TURN_BACKOFF_MS: ms(1_000),
  /** The longest wait that a provider's Retry-After may ask for. */
  TURN_BACKOFF_MAX_MS: ms(120_000),
  /** How often every worker's reconciler looks for work that the queue forgot. */
  RECONCILE_INTERVAL_MS: ms(1_000),
  /** A dispatched turn that no worker claimed for this long is put into the queue again (the same job id, so idempotent). */
  REDISPATCH_AFTER_MS: ms(5_000),
  /** Turns of one process at once on the platform's connections. They mostly wait for providers; CPU is about 20 ms a turn. */
  WORKER_CONCURRENCY: count(50),
  /**
   * Places of one process for turns that may call users' own servers, apart from those above. Many more, because such a server
   * may hang, and a turn that waits costs some memory and nothing else; a user gets a share of what is free.
   */
  OWN_CONCURRENCY: count(200),
  /** How often a worker tells the fleet its places; one that is silent for 30 s has none. */
  WORKER_SEEN_MS: ms(10_000),
  /** Uploaded files that one process reads at once, and as many small ones; each is a child process with a memory limit of its own. */
  FILE_CONCURRENCY: count(2),
  /** Titles, summaries and the like of one process at once: on the platform's connections, and as many on users' own. */
  CHORE_CONCURRENCY: count(4),
  /** Mails that one process sends at once, apart from all else: a mail server that hangs keeps nothing but mails waiting. */
  MAIL_CONCURRENCY: count(4),
  /** Deliveries to webhooks of one process at once: they wait for the receivers of users. */
  WEBHOOK_CONCURRENCY: count(10),
  /** A receiver must answer within this. */
  WEBHOOK_TIMEOUT_MS: ms(15_000),
  /** First wait after a delivery that nobody took; then 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, in proportion. */
  WEBHOOK_BACKOFF_MS: ms(5_000),
  /** A job whose worker died is delivered again after one to two times this. The rows' lease is the fence, not this lock. */
  JOB_LOCK_MS: ms(10_000),
  /** A process whose queue has work and room for it, and takes none for this long, is not healthy. */
  STUCK_AFTER_MS: ms(60_000),
  /**
   * Turns of one user that may be in the queue or running at once, on the platform's connections and as many on own ones; the
   * rest wait in PostgreSQL, oldest first. What is not due (backoff, an open breaker) has no place.
   */
  USER_CONCURRENCY: count(8),
  /** Waiting for a connection to PostgreSQL, a free one of the pool or a new one; then the request is told to come again. */
  DATABASE_CONNECT_TIMEOUT_MS: ms(5_000),
  /** One statement may take this long, at the server. A process that hears nothing 5 s later gives the connection up. */
  DATABASE_STATEMENT_TIMEOUT_MS: ms(30_000),
  /** Connections to PostgreSQL end at this age (not all at once), so that a name that moved is looked up again. */
  DATABASE_MAX_AGE_MS: ms(1_800_000),
  /** How long a starting process waits for a PostgreSQL that does not answer, or only reads, before it gives up. */
  DATABASE_WAIT_MS: ms(30_000),
  /** Text deltas are merged within this tick before they go out; below human perception, saves two thirds of the CPU. */
  LIVE_TICK_MS: ms(25),
  /** Live text outlives its turn by this long at most; every lease renewal extends it. */
  LIVE_TEXT_TTL_MS: ms(3_600_000),
  /** Web nodes compare the version of watched conversations this often: a lost publish heals within it. */
  VERSION_POLL_MS: ms(2_000),
  /** An event stream (SSE) that has nothing to say sends a comment this often, so that proxies keep it open. */
  SSE_HEARTBEAT_MS: ms(15_000),
  /** After a cancel that no worker settled within this, the web process takes the claim and settles itself. */
  CANCEL_GRACE_MS: ms(2_000),
  /** On SIGTERM a worker lets its turns finish for this long, then hands them back to the queue. */
  DRAIN_MS: ms(8_000),
  /**
   * On SIGTERM a web process goes on serving for this long, while readiness says 503, so that balancers stop sending before it refuses.
   * More than a balancer's interval times the failures that it waits for; 0 where there is none.
   */
  DRAIN_DELAY_MS: z.coerce.number().int().min(0).max(600_000).default(5_000),
  /** Requests that are under way when a web process closes may take this long; then they are cut. */
  WEB_DRAIN_MS: ms(3_000),
  /**
   * An idle connection is kept for this long. Longer than balancers keep theirs (nginx and AWS 60 s, Google 600 s), which would else send a
   * request into one that closes just then.
   */
  KEEP_ALIVE_MS: ms(90_000),
  /** How often a process reports itself in the database. A worker that missed three reports is taken for dead by readiness. */
  HEARTBEAT_MS: ms(5_000),
  /** The largest number of turns that one request may ask for. */
  MAX_TURNS_CAP: count(50),
  /** Turns of a party that did not say. */
  MAX_TURNS_DEFAULT: count(6),
  /** How often naming a conversation is tried; 0 leaves it to the user. */
  TITLE_ATTEMPTS: z.coerce.number().int().min(0).max(10).default(3),
  /** Tokens of transcript that a turn sends at most, whatever the model could take. */
  CONTEXT_TOKEN_BUDGET: count(8_000, 200),
  /** Tokens of files that a turn sends at most, besides the transcript: whole texts or the parts that match. */
  FILE_CONTEXT_TOKENS: count(3_000, 100),
  /** A run waits this long for a file that is still being read, from the message that brought it; then it goes on without. */
  FILE_WAIT_MS: ms(120_000),
  /** Model calls of one turn that uses tools, at most; an agent may be allowed fewer. Each is paid. */
  TOOL_STEPS_MAX: z.coerce.number().int().min(1).max(50).default(10),
  /** Calls of tools of one turn that run at once. */
  TOOL_PARALLEL: count(4),
  /** A built-in tool may take so long; one of an MCP server has a time of its own. */
  TOOL_TIMEOUT_MS: ms(20_000),
  /** Calls of one tool that one user's agents make within a minute: a model that loops harms nobody else with it. */
  TOOL_CALLS_PER_MINUTE: count(60),
  /** Characters that are kept of what a tool gave back. */
  TOOL_RESULT_CHARS: count(65_536),
  /** Tokens of what tools gave back that a turn sends at most, the newest first. */
  TOOL_CONTEXT_TOKENS: count(8_000, 200),
  /** People have so long to decide on a call of a tool; then it is not made, and the agent goes on without. */
  APPROVAL_MS: z.coerce.number().int().min(1_000).max(2_592_000_000).default(86_400_000),
  /** Output tokens of an agent that sets no limit of its own. */
  MAX_OUTPUT_TOKENS_DEFAULT: count(1_024),
  /** Output tokens that each extension of a hold adds at least, where a provider goes on beyond what it was allowed. */
  HOLD_SLICE_TOKENS: count(256),
  /** Agents of one user: each is a few kilobytes that are kept for ever once it has spoken. */
  USER_AGENTS: count(500),
  /** API keys of one user that are not revoked. */
  USER_KEYS: count(50),
  /** Saved parties of one user. */
  USER_PARTIES: count(200),
  /** Agents and parties that one user has in the gallery: at most 300 KB each, 9 MB in all. */
  USER_GALLERY_ENTRIES: count(30),
  /** Times that one user publishes something, or imports it, within a day: what is deleted again leaves rows behind. */
  GALLERY_USES_PER_DAY: count(100),
  /** Connections of one user. */
  USER_CONNECTIONS: count(100),
  /** Conversations of one user, archived ones too. */
  USER_CONVERSATIONS: count(10_000),
  /**
   * Bytes of messages that one user may send per day, with 1 KB for the rows of each; 0: as many as they like. They are kept, and cost
   * nearly nothing where a user's own server answers. 65,000 short ones, or sixty books.
   */
  USER_MESSAGE_BYTES_PER_DAY: count(67_108_864, 0),
  /** Tokens a second that a model may think unseen. A call that was stopped reports none, and is charged for its time by this. */
  HIDDEN_TOKENS_PER_SECOND: count(100, 0),
  /** MCP servers of one user. */
  USER_MCP_SERVERS: count(20),
  /** What may be asked in a minute of one MCP server ... */
  MCP_SERVER_CALLS_PER_MINUTE: count(120),
  /** ... and of all of one user together: they leave from this installation's address. */
  MCP_USER_CALLS_PER_MINUTE: count(300),
  /** Looks of one user's at what MCP servers list, in a minute: a long list is some 70 ms of a web process's work. */
  MCP_REFRESHES_PER_MINUTE: count(30),
  /** Webhooks of one user. */
  USER_WEBHOOKS: count(20),
  /** Schedules of one user. */
  USER_SCHEDULES: count(50),
  /** Links to conversations of one user that are not over. */
  USER_SHARES: count(500),
  /** Who watches by one link, of those that one web process holds: a class, a meeting. Each is sent every word. */
  SHARE_WATCHERS: count(200),
  /** Who watches by links from one network, of those that one web process holds. */
  NETWORK_SHARE_WATCHERS: count(50),
  /** Who watches by links at all in one web process: strangers leave room for those who have signed in. */
  ALL_SHARE_WATCHERS: count(2_000),
  /** Requests of links from one network per minute, streams that begin among them. */
  SHARE_REQUESTS_PER_MINUTE: count(300),
  /** Characters of one message from a user. */
  MESSAGE_MAX_CHARS: count(32_000),
  /** Body limit of JSON requests. */
  JSON_BODY_MAX_BYTES: count(262_144),
  /** Failed logins of one account from one place (a network, or a device that it knows) within 15 minutes. */
  LOGIN_ATTEMPTS: count(10),
  /** Failed logins of one network within 15 minutes, whatever the accounts. */
  LOGIN_NETWORK_ATTEMPTS: count(100),
  /** Failed logins of one account within 15 minutes from all places that it does not know, together. */
  LOGIN_STRANGER_ATTEMPTS: count(50),
  /** Mails to one address, and for one user, per hour. */
  MAILS_PER_HOUR: count(5),
  /** Mails that one network may ask for without signing in, per hour. */
  MAIL_REQUESTS_PER_HOUR: count(30),
  /** How long a link that verifies an address works. */
  VERIFY_LINK_MS: ms(86_400_000),
  /** How long a link that sets a new password works. */
  RESET_LINK_MS: ms(3_600_000),
  /** First wait after a mail was not sent; doubles with each try, up to an hour, until its link has expired. */
  MAIL_BACKOFF_MS: ms(30_000),
  /** Registrations of one network (an IPv4 address, an IPv6 /64) per hour: a household or a class, and no army. */
  REGISTRATIONS_PER_HOUR: count(10),
  /** Registrations of the network around (an IPv4 /24, an IPv6 /48) per day. */
  REGISTRATIONS_PER_DAY: count(50),
  /** Guests that there may be at once: a bound for what all of them together take of the disk. */
  GUESTS_MOST: count(2_000),
  /** Days without use after which a guest is erased; 0: never. A guest's session, the only way in, lasts as long by default. */
  GUEST_DAYS: days(7),
  /** Bytes of all files of one guest: enough to see a document read and cited. */
  GUEST_STORAGE_BYTES: count(5_242_880),
  /** Files of one guest. */
  GUEST_STORAGE_FILES: count(10),
  /** Agents, and saved parties, of one guest. */
  GUEST_AGENTS: count(10),
  /** Bytes of messages that one guest may send per day, as USER_MESSAGE_BYTES_PER_DAY counts: a few hundred short ones. */
  GUEST_MESSAGE_BYTES_PER_DAY: count(262_144),
  /** Requests of one address per minute. */
  REQUESTS_PER_MINUTE: count(1_200),
  /** A request's body must have arrived within this, but for uploads, which only must not stall. */
  REQUEST_BODY_MS: ms(20_000),
  /** Connections of one web process; those beyond are closed. Each costs some kilobytes and a file descriptor. */
  MAX_CONNECTIONS: count(12_000),
  /** Connections of one network (an IPv4 address, an IPv6 /64) to one web process, where no proxy stands before it. */
  NETWORK_CONNECTIONS: count(500),
  /** Sockets and event streams, each, of one network that one web process holds: an office behind one address has hundreds. */
  NETWORK_SOCKETS: count(300),
  /** Sockets that one network may begin to open per minute. */
  HANDSHAKES_PER_MINUTE: count(300),
  /** A socket that has not signed in within this is closed. */
  SOCKET_SIGN_IN_MS: ms(5_000),
  /** Sockets and event streams, each, of one user that one web process holds. */
  USER_SOCKETS: count(20),
  /** Requests of one user that wait for their run's end (Prefer: wait) at once; the next ones are answered without waiting. */
  USER_WAITS: count(10),
  /** Bytes of one uploaded file. */
  UPLOAD_MAX_BYTES: count(104_857_600),
  /** Bytes of all files of one user. */
  USER_STORAGE_BYTES: count(1_073_741_824),
  /** Files of one user. */
  USER_STORAGE_FILES: count(1_000),
  /** Uploads that one user may begin per minute. */
  UPLOADS_PER_MINUTE: count(120),
  /** Bytes that one user may write per day, whatever is deleted of it: four times what may be kept. */
  USER_UPLOAD_BYTES_PER_DAY: count(4_294_967_296),
  /** Uploads that one web process receives at once; each holds a connection, a file and some buffers. */
  UPLOADS_AT_ONCE: count(100),
  /** Uploads of one user that one web process receives at once. */
  USER_UPLOADS_AT_ONCE: count(6),
  /** Conversations in which nobody wrote for so long, archived or not. For ever, because they are what people come back for. */
  RETAIN_CONVERSATIONS_DAYS: days(0),
  /** Runs and their turns, but the latest of each conversation: how it was said, not what. For ever: they are small, and go with theirs. */
  RETAIN_RUNS_DAYS: days(0, 7),
  /** Entries of the audit log: a year can be looked back at, and a month of it be looked at late. The database refuses less than 30. */
  RETAIN_AUDIT_DAYS: days(400, 31),
  /** By whom and where a metered call was made; its figures stay. For ever: what was paid can be explained. */
  RETAIN_USAGE_DAYS: days(0),
  /** Sessions after their end: as long, a place counts as known to an account. */
  RETAIN_SESSIONS_DAYS: days(30),
  /** Answers to requests with an Idempotency-Key: nobody repeats a request later. */
  RETAIN_IDEMPOTENCY_KEYS_DAYS: days(1),
  /** Mails that were sent or given up, and links that are over: they hold addresses, and whoever asks why none came does so soon. */
  RETAIN_MAILS_DAYS: days(7),
  /** Deliveries to webhooks that are over, with what was sent: to be looked at, or sent again. */
  RETAIN_WEBHOOK_DELIVERIES_DAYS: days(30),
  /** Ticks of schedules that are over; their month's credits are counted by them, so longer than a month. */
  RETAIN_TICKS_DAYS: days(40, 32),
  /**
   * What a user's upload or reader may still have written when the user was erased is looked for again after this: an address to upload to
   * works for 15 minutes, and its object is moved within ten more.
   */
  ERASURE_SETTLE_MS: ms(1_500_000),
  /** Reading one file may take this long; then its child process is killed. */
  FILE_PROCESS_TIMEOUT_MS: ms(60_000),
  /** ... but a small one less: this, and more by its size. */
  FILE_PROCESS_LEAST_MS: ms(15_000),
  /** So much more for each MB of the file. */
  FILE_PROCESS_MB_MS: ms(15_000),
  /** One user's files may be read for so long within an hour; then they wait. Whoever had the least read comes first anyway. */
  FILE_HOURLY_MS: ms(1_200_000),
  /** Memory of the child process that reads a file; a poisoned file takes no more. */
  FILE_PROCESS_MEMORY_MB: count(512, 64),
  /** How often reading one file may fail, the first try included. A try whose worker was killed is no failure; ten such are enough. */
  FILE_MAX_ATTEMPTS: count(3),
  /** Pages of one document that are read. */
  FILE_MAX_PAGES: count(5_000),
  /** Characters of text that are kept of one file. */
  FILE_TEXT_MAX_CHARS: count(5_000_000),
  /** Time given to the provider by a connection's test. */
  CONNECTION_TEST_TIMEOUT_MS: ms(10_000),
  /** Time given to an MCP server to list its tools, all requests for it together. */
  MCP_LIST_TIMEOUT_MS: ms(15_000),
  /** Bytes that are read of one answer of an MCP server, and of all pages of its list together; each call of a tool under way may hold as much. */
  MCP_ANSWER_MAX_BYTES: count(2_097_152),
  /** The demo model's pace in words per minute; a person reads about 250. */
  DEMO_WORDS_PER_MINUTE: count(700),
} as const
