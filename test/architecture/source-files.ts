import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** One thing that a file imports: a file of ours (its path from the repository's root) or a package's name. */
export interface Import {
  specifier: string
  /** Path from the root, for a relative import. */
  file: string | undefined
  /** Name of the package, for one that is not relative and not Node's own. */
  library: string | undefined
  /** Gone at run time. */
  typeOnly: boolean
  /** By `import()`, when its code is reached. */
  lazy: boolean
}

export interface SourceFile {
  /** From the repository's root, such as `src/runs/run.entity.ts`. */
  path: string
  lines: number
  imports: Import[]
}

const STATIC = /^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm
const DYNAMIC = /\bimport\(\s*'([^']+)'/g

const libraryOf = (specifier: string): string | undefined => {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined
  const [scope = '', name = ''] = specifier.split('/')
  return scope.startsWith('@') ? `${scope}/${name}` : scope
}

/** Every TypeScript file of ours below these folders, with what it imports; what is built of them is none. */
export function readSources(...folders: string[]): SourceFile[] {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name) && !name.includes('/dist/'))
      .map((name) => join(folder, name)),
  )
  return paths.map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    const found = (specifier: string, typeOnly: boolean, lazy: boolean): Import => ({
      specifier,
      file: specifier.startsWith('.') ? relative(ROOT, join(ROOT, dirname(path), specifier)) : undefined,
      library: libraryOf(specifier),
      typeOnly,
      lazy,
    })
    return {
      path,
      lines: text.split('\n').length,
      imports: [
        ...[...text.matchAll(STATIC)].map(([, type, specifier = '']) => found(specifier, type !== undefined, false)),
        ...[...text.matchAll(DYNAMIC)].map(([, specifier = '']) => found(specifier, false, true)),
      ],
    }
  })
}

/** Everything that is loaded, file by file and library by library, when this file is; lazy imports are not. */
export function loadedBy(path: string, sources: SourceFile[]): { files: Set<string>; libraries: Map<string, string> } {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const files = new Set<string>()
  const libraries = new Map<string, string>()
  const waiting = [path]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (files.has(next)) continue
    files.add(next)
    for (const { file, library, typeOnly, lazy } of byPath.get(next)?.imports ?? []) {
      if (typeOnly || lazy) continue
      if (file) waiting.push(file)
      if (library) libraries.set(library, next)
    }
  }
  return { files, libraries }
}
