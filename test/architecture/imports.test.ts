import { expect } from 'chai'
import { loadedBy, readSources, type SourceFile } from './source-files.ts'

/** A domain may import what stands to its left. */
const ORDER = [
  'shared',
  'contract',
  'config',
  'database',
  'metrics',
  'tracing',
  'fleet',
  'redis',
  'queue',
  'realtime',
  'audit',
  'mail',
  'identity',
  'credits',
  'storage',
  'connections',
  'tools',
  'mcp',
  'agents',
  'parties',
  'conversations',
  'rounds',
  'runs',
  'chat',
  'gallery',
  'shares',
  'doors',
  'webhooks',
  'schedules',
  'erasure',
  'retention',
  'export',
]
/** What HTTP knows; routes of any domain know HTTP. */
const HTTP_KNOWS = ['shared', 'contract', 'config']
/** The client is a program of its own: it knows the shapes of the API, its demo the settings, and no domain. */
const CLIENT_KNOWS = /^src\/(contract\/|config\/env\.ts$)/
/** The console is a program of its own, too, in browsers: it knows the typed client, and the shapes that clients know. */
const CONSOLE_KNOWS = /^src\/(client\/client\.ts$|contract\/)/

const REPOSITORY = /\.(entity|repository)\.ts$/
const ROUTES = /\.routes\.ts$/
/** Where each library may be imported; whatever is not named here is free. */
const HOMES: Record<string, RegExp[]> = {
  typeorm: [/^src\/database\//, REPOSITORY, /^migrations\//, /^src\/(entities|foundation)\.ts$/],
  pg: [/^src\/database\//, /^src\/queue\/postgres-driver\.ts$/],
  'pg-copy-streams': [/^src\/database\//],
  '@bull-board/*': [/^src\/queue\//],
  bullmq: [/^src\/queue\//, /^workers\//],
  express: [/^src\/http\//, ROUTES],
  multer: [ROUTES],
  compression: [/^src\/http\//],
  helmet: [/^src\/http\//],
  cors: [/^src\/http\//],
  passport: [/^src\/http\//],
  'passport-jwt': [/^src\/http\//],
  'prom-client': [/^src\/metrics\//],
  '@opentelemetry/*': [/^src\/tracing\//],
  react: [/^src\/console\//],
  'zod-openapi': [/^src\/http\//],
  'rate-limiter-flexible': [/^src\/http\//],
  jsonwebtoken: [/^src\/identity\//],
  'socket.io': [/^src\/realtime\//],
  'socket.io-client': [/^src\/client\//],
  ioredis: [/^src\/redis\//, /^src\/realtime\//, /^src\/http\/(rate-limit|signup-limits)\.ts$/],
  yazl: [/^src\/export\//],
  nodemailer: [/^src\/mail\//],
  croner: [/^src\/schedules\//, /^src\/console\/views\/schedules\//],
  '@modelcontextprotocol/*': [/^src\/mcp\//, /^workers\/mcp\//],
  standardwebhooks: [/^workers\/processors\/webhook/],
  undici: [/^src\/connections\//],
  '@aws-sdk/*': [/^src\/storage\//],
  '@mastra/*': [/^workers\/agent-runtime\//],
  '@ai-sdk/*': [/^workers\/agent-runtime\//, /^src\/connections\//],
  ai: [/^workers\/agent-runtime\//, /^src\/connections\//],
}
const ROLES = [
  'entity',
  'repository',
  'service',
  'routes',
  'schemas',
  'presenter',
  'policy',
  'jobs',
  'processor',
  'seed',
  /** Of the console: what is shown at a path. */
  'view',
]
const WORDS = /^[a-z0-9]+(-[a-z0-9]+)*$/
const MAX_LINES = 450
/** Files that are data. */
const DATA = new Set(['src/connections/demo/demo-phrases.ts'])

const sources = readSources('src', 'workers', 'migrations')
const domainOf = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1]
const homeOf = (library: string): RegExp[] | undefined => HOMES[library] ?? HOMES[library.replace(/\/.*/, '/*')]

/** Why a file must not import another; undefined when it may. */
function objection(from: string, to: string): string | undefined {
  if (from.startsWith('migrations/')) return to.startsWith('src/database/') ? undefined : 'a migration stands alone'
  if (from.startsWith('workers/')) {
    if (to.startsWith('src/console/')) return 'nobody imports the console'
    return to.startsWith('migrations/') ? 'nobody imports migrations' : undefined
  }
  if (!to.startsWith('src/')) return 'src/ imports nothing outside of itself'
  const [here, there] = [domainOf(from), domainOf(to)]
  if (here === undefined || here === there) return undefined
  if (there === undefined) return 'only composition roots know composition roots'
  if (there === 'console') return 'nobody imports the console'
  if (here === 'console') return CONSOLE_KNOWS.test(to) ? undefined : 'the console knows the typed client alone'
  if (here === 'client') return CLIENT_KNOWS.test(to) ? undefined : 'the client knows only shapes'
  if (here === 'http') return HTTP_KNOWS.includes(there) ? undefined : `http does not know ${there}`
  if (there === 'http') return ROUTES.test(from) ? undefined : 'only routes know http'
  if (!ORDER.includes(here) || !ORDER.includes(there)) return `${here} -> ${there}: not a domain that this test knows`
  return ORDER.indexOf(there) < ORDER.indexOf(here) ? undefined : `${there} does not stand to the left of ${here}`
}

/** The first cycle among these files, as a path; type imports count. */
function findCycle(files: SourceFile[]): string[] | undefined {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const done = new Set<string>()
  const visit = (path: string, trail: string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path]
    if (done.has(path)) return undefined
    for (const { file } of byPath.get(path)?.imports ?? []) {
      const cycle = file && visit(file, [...trail, path])
      if (cycle) return cycle
    }
    done.add(path)
    return undefined
  }
  for (const { path } of files) {
    const cycle = visit(path, [])
    if (cycle) return cycle
  }
  return undefined
}

describe('Imports', () => {
  it('are all understood: every relative import names a file that exists', () => {
    const known = new Set(sources.map(({ path }) => path))
    const broken = sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ file }) => file && !file.endsWith('.css') && !known.has(file))
        .map(({ specifier }) => `${path}: ${specifier}`),
    )
    expect(broken).to.deep.equal([])
    expect(sources.length).to.be.greaterThan(100)
    expect(sources.find(({ path }) => path === 'src/web.ts')?.imports.length).to.be.greaterThan(10)
  })

  it('go to the left only: domains in their order, http aside, workers above all', () => {
    const wrong = sources.flatMap(({ path, imports }) =>
      imports.flatMap(({ file }) => {
        const why = file && objection(path, file)
        return why ? [`${path} -> ${file}: ${why}`] : []
      }),
    )
    expect(wrong).to.deep.equal([])
  })

  it('make no cycle', () => {
    expect(findCycle(sources)).to.equal(undefined)
  })

  it('keep each library at home', () => {
    const wrong = sources.flatMap(({ path, imports }) =>
      imports.flatMap(({ library }) => {
        const home = library && homeOf(library)
        return home && !home.some((pattern) => pattern.test(path)) ? [`${path} imports ${library}`] : []
      }),
    )
    expect(wrong).to.deep.equal([])
  })

  it('of services name no framework, not even through its types', () => {
    const frameworks = new Set(['express', 'typeorm', 'bullmq', 'socket.io', 'ioredis', 'pg', 'multer'])
    const wrong = sources
      .filter(({ path }) => path.endsWith('.service.ts'))
      .flatMap(({ path, imports }) =>
        imports.filter(({ library }) => library && frameworks.has(library)).map(({ library }) => `${path}: ${library}`),
      )
    expect(wrong).to.deep.equal([])
  })

  it('bring Mastra into no web process, and no web framework into a worker', () => {
    const web = loadedBy('src/server.ts', sources)
    expect([...web.libraries.keys()]).to.include.members(['express', 'socket.io', 'typeorm'])
    const agents = [...web.libraries].filter(([library]) => library.startsWith('@mastra/'))
    expect(agents).to.deep.equal([])
    const worker = loadedBy('workers/main.ts', sources)
    expect([...worker.libraries.keys()]).to.include('@mastra/core')
    const frameworks = [...worker.libraries].filter(([library]) => ['express', 'socket.io', 'helmet'].includes(library))
    expect(frameworks).to.deep.equal([])
  })

  it('bring what few requests need into no process before one does', () => {
    const atStart = (entry: string) => [...loadedBy(entry, sources).libraries.keys()]
    expect(atStart('src/server.ts').filter((library) => library.startsWith('@ai-sdk/'))).to.deep.equal([])
    expect(atStart('workers/main.ts')).to.not.include('htmlparser2')
    expect(atStart('workers/file-parsing/child.ts')).to.deep.equal([])
  })
})

describe('Files', () => {
  it('are called noun.role, with a role that is known, or by their one idea', () => {
    const wrong = sources
      .filter(({ path }) => !path.startsWith('migrations/'))
      .map(({ path }) => path)
      .filter((path) => {
        const [noun = '', ...roles] = (path.split('/').at(-1) ?? '').replace(/\.tsx?$/, '').split('.')
        const role = roles.at(0)
        return !WORDS.test(noun) || roles.length > 1 || (role !== undefined && !ROLES.includes(role))
      })
    expect(wrong).to.deep.equal([])
    const migrations = sources.filter(({ path }) => path.startsWith('migrations/'))
    expect(migrations.filter(({ path }) => !/^migrations\/\d{13}-[a-z-]+\.ts$/.test(path))).to.deep.equal([])
    const times = migrations.map(({ path }) => path.slice('migrations/'.length).slice(0, 13))
    expect(times.filter((time, at) => times.indexOf(time) !== at)).to.deep.equal([])
  })

  it('are no barrels and no drawers for everything', () => {
    const wrong = sources.filter(({ path }) => /(^|\/)(index|utils?|helpers?|misc|common)(\.|\/)/.test(path))
    expect(wrong.map(({ path }) => path)).to.deep.equal([])
  })

  it(`have at most ${MAX_LINES} lines, unless they are data`, () => {
    const long = sources.filter(({ path, lines }) => lines > MAX_LINES && !DATA.has(path))
    expect(long.map(({ path, lines }) => `${path}: ${lines}`)).to.deep.equal([])
  })
})
