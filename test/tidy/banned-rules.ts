// Names that must not stand in the code: ways around the injected clock, chance, disk and network; words that say nothing.
// Promises a violation for each place; leaves style to Biome.
import { eachLine, type Rule } from './source-file.ts'

interface Ban {
  readonly what: RegExp
  /** The files that wrap it. */
  readonly except: RegExp
  readonly instead: string
}

const clock = { except: /^src\/lib\/clock\.ts$/, instead: 'the Clock that is handed in' }

const inCode: readonly Ban[] = [
  { what: /\bDate\.now\b/, ...clock },
  { what: /\bnew Date\(\s*\)/, ...clock },
  { what: /\bperformance\.now\b/, ...clock },
  { what: /\bprocess\.hrtime\b/, ...clock },
  // A socket's own setTimeout is another thing.
  { what: /(?<!\.\s*|\w)(globalThis\.)?(setTimeout|setInterval|setImmediate)\b(?!\s*:)/, ...clock },
  {
    what: /\bMath\.random\b|\brandom(Bytes|Int|UUID|FillSync)\b/,
    except: /^src\/(lib\/random\.ts|security\/.*)$/,
    instead: 'the Random that is handed in',
  },
]

const inImports: readonly Ban[] = [
  {
    what: /'(node:)?fs(\/promises)?'/,
    // The last one reads the library's own binary out of node_modules.
    except: /^src\/(lib\/files\/.*|cli\/.*|wire\/records\/compression\/zstd-wasm\.ts)$/,
    instead: 'the Files that are handed in (lib/files)',
  },
  {
    what: /'(node:)?(net|tls|dgram|http|https|http2)'/,
    except: /^src\/lib\/network\.ts$/,
    instead: 'the Network that is handed in (lib/network.ts)',
  },
  { what: /'(node:)?timers(\/promises)?'/, ...clock },
  { what: /'(node:)?worker_threads'/, except: /^$/, instead: 'one event loop: no threads share state' },
]

/** Time, chance, disk and network come in from outside. */
export const injectedOnly: Rule = (file) => [
  ...eachLine(file, file.code, (line) => banned(file.path, line, inCode)),
  ...eachLine(file, file.uncommented, (line) =>
    /\b(from|import|require)\b/.test(line) ? banned(file.path, line, inImports) : undefined,
  ),
]

function banned(path: string, line: string, bans: readonly Ban[]): string | undefined {
  for (const { what, except, instead } of bans) {
    const found = what.exec(line)
    if (found !== null && !except.test(path)) return `${found[0]} is not for this file; use ${instead}`
  }
  return undefined
}

const hollow =
  /(?:^|[A-Za-z\d_$])(Managers?|Helpers?|Utils?|Impl|Services?)(?![a-z])|^(manager|helper|util|impl|service)s?(?![a-z])/
const declaration = /\b(?:class|interface|type|function|const|let|var|namespace|enum)\s+([A-Za-z_$][\w$]*)/g

/** Names say what a thing is: no Manager, Helper, Util, Impl, Service, in files or declarations. */
export const tellingNames: Rule = (file) => [
  ...file.path.split('/').flatMap((part) => {
    const isHollow = /(^|[-.])(manager|helper|util|impl|service)s?([-.]|$)/.test(part)
    return isHollow ? [{ path: file.path, line: 1, message: `'${part}' says nothing; name what it is` }] : []
  }),
  ...eachLine(file, file.code, (line) => {
    const name = [...line.matchAll(declaration)].map((found) => found[1]!).find((found) => hollow.test(found))
    return name === undefined ? undefined : `'${name}' says nothing; name what it is`
  }),
]

const toDo = new RegExp(
  ['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].map((word) => `\\b${word}\\b`).join('|'),
)

/** Work that is left over stands in docs/gaps.md, not in the code. */
export const noLeftOvers: Rule = (file) =>
  eachLine(file, file.lines, (line) => {
    const found = toDo.exec(line)
    return found === null ? undefined : `${found[0]}: do it, or write it down in docs/gaps.md`
  })

const places: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w.])\/(root|home\/\w+|Users\/\w+)\//, 'a path of one machine'],
  [/\.\.\/shared\b/, 'a folder outside of the repository'],
]

/** The repository stands alone: no paths of a machine, nothing beside it. */
export const noPlaces: Rule = (file) =>
  eachLine(file, file.lines, (line) => {
    for (const [what, name] of places) {
      const found = what.exec(line)
      if (found !== null) return `'${found[0]}' is ${name}`
    }
    return undefined
  })

const skipping = /\b(test|it|describe|suite)\.(skip|only|todo)\b|\b(skip|only|todo):\s*(true|'|`|")/
const skippingInside = /\b(t|context)\.(skip|todo)\(/

/** Every test runs. Interop tests alone may step aside, where a language is missing. */
export const noSkippedTests: Rule = (file) =>
  eachLine(file, file.code, (line) => {
    const found =
      skipping.exec(line) ?? (file.path.startsWith('test/interop/') ? null : skippingInside.exec(line))
    return found === null ? undefined : `${found[0]}: a test that does not run proves nothing`
  })
