// Links between the pages for people lead somewhere: to files that are there, and to headings that these have.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'

function markdownIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return markdownIn(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...markdownIn('docs'), ...markdownIn('test')]

/** The text without code, in which brackets mean something else. */
const prose = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')

function linksIn(text: string): string[] {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
}

/** The names that headings get as anchors: small letters, hyphens for blanks, no punctuation. */
function anchorsIn(text: string): string[] {
  const headings = [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)]
  return headings.map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function problemOf(page: string, link: string): string | undefined {
  if (/^[a-z]+:/.test(link)) return undefined
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : join(dirname(page), path)
  if (!existsSync(target)) return `${page}: ${link} leads nowhere`
  if (anchor === undefined || anchorsIn(readFileSync(target, 'utf8')).includes(anchor)) return undefined
  return `${page}: ${link} names a heading that ${target} does not have`
}

describe('links in the documentation', () => {
  for (const page of pages) {
    test(`${page} links only to what is there`, () => {
      const links = linksIn(readFileSync(page, 'utf8'))
      assert.deepEqual(
        links.flatMap((link) => problemOf(page, link) ?? []),
        [],
      )
    })
  }

  test('a page that nobody links to is a page that nobody finds', () => {
    const linked = new Set(
      pages.flatMap((page) =>
        linksIn(readFileSync(page, 'utf8')).map((link) => join(dirname(page), link.split('#')[0]!)),
      ),
    )
    const unlinked = pages.filter((page) => page.startsWith('docs/') && !page.includes('/decisions/'))
    assert.deepEqual(
      unlinked.filter((page) => !linked.has(page)),
      [],
    )
  })

  test('a dead link and a missing heading are told', () => {
    assert.ok(problemOf('README.md', 'docs/nowhere.md')?.includes('leads nowhere'))
    assert.ok(problemOf('README.md', 'docs/gaps.md#nowhere')?.includes('names a heading'))
    assert.equal(problemOf('README.md', '#the-first-five-minutes'), undefined)
  })
})
