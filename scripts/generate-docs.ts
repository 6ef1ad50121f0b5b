// Writes the pages of docs/ that follow from tables in the source: run it with `npm run docs` after changing one.
// Promises the same bytes for the same tables; a test compares the pages in the tree with what this would write.
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { servedApis } from '../src/api/dispatch.ts'
import { apis } from '../src/wire/apis/index.ts'
import { apiSupportPage } from './api-support-page.ts'
import { configPage } from './config-page.ts'

/** The pages by their path from the root of the repository. */
export function generatedPages(): ReadonlyMap<string, string> {
  const servedKeys = new Set(servedApis().map(({ apiKey }) => apiKey))
  return new Map([
    ['docs/config.md', configPage()],
    ['docs/api-support.md', apiSupportPage(apis.values(), servedKeys)],
  ])
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [path, text] of generatedPages()) {
    writeFileSync(path, text)
    console.log(`wrote ${path}`)
  }
}
