// The disk and its double behave alike; the double also crashes and fails on demand.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import {
  DirectoryLockedError,
  errorCode,
  type Files,
  parentOf,
  writeAtomically,
  writeAtomicallyLater,
} from '../../src/lib/files/files.ts'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { systemFiles } from '../../src/lib/files/system.ts'
import { SeededRandom } from '../../src/lib/random.ts'

const root = mkdtempSync(join(tmpdir(), 'odradek-files-'))
after(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

function newFolder(files: Files): string {
  const path = join(root, String(folders++))
  files.makeDirectorySync(path)
  return path
}

const kinds: readonly (readonly [string, () => Files])[] = [
  ['the disk', () => systemFiles],
  ['the simulated disk', () => new SimulatedFiles({ crashes: true })],
]

if (process.platform === 'linux') {
  test('a directory where the system makes none is an error, not a wait without end', () => {
    const system = new URL('../../src/lib/files/system.js', import.meta.url).href
    const script = `import { systemFiles } from '${system}'
      try { systemFiles.makeDirectorySync('/proc/odradek/data') } catch (error) { console.log(error.code) }`
    const words = ['--input-type=module', '-e', script]
    const { stdout, signal } = spawnSync(process.execPath, words, { timeout: 5000, killSignal: 'SIGKILL' })
    assert.deepEqual([String(stdout), signal], ['ENOENT\n', null])
  })
}

for (const [kind, make] of kinds) {
  describe(kind, () => {
    test('keeps what was written where it was written; gaps read as zeros', async () => {
      const files = make()
      const path = join(newFolder(files), 'a')
      const handle = files.openSync(path, 'create')
      handle.writeSync(Buffer.from('world'), 200_000)
      handle.writeSync(Buffer.from('hello'), 0)
      assert.equal(handle.size(), 200_005)
      const bytes = Buffer.alloc(300_000, 1)
      assert.equal(handle.readSync(bytes, 0), 200_005)
      assert.equal(bytes.toString('latin1', 0, 7), 'hello\0\0')
      const tail = Buffer.alloc(10)
      assert.equal(await handle.read(tail, 199_998), 7)
      assert.equal(tail.toString('latin1', 0, 7), '\0\0world')
      assert.equal(handle.readSync(tail, 200_005), 0)
      handle.truncateSync(3)
      assert.deepEqual([handle.size(), files.sizeSync(path)], [3, 3])
      handle.truncateSync(6)
      assert.equal(files.readFileSync(path).toString('latin1'), 'hel\0\0\0')
      handle.closeSync()
      handle.closeSync()
    })

    test('writes any number of parts of any size one after the other', () => {
      const files = make()
      const path = join(newFolder(files), 'parts')
      const handle = files.openSync(path, 'create')
      const parts = Array.from({ length: 2500 }, (_, i) => Buffer.alloc((i * 37) % 211, i))
      handle.writevSync(parts, 10)
      assert.deepEqual(files.readFileSync(path).subarray(10), Buffer.concat(parts))
      handle.closeSync()
    })

    test('opens as asked', () => {
      const files = make()
      const folder = newFolder(files)
      const path = join(folder, 'a')
      const fails = (mode: 'read' | 'write') =>
        assert.throws(
          () => files.openSync(path, mode),
          (error) => errorCode(error) === 'ENOENT',
        )
      fails('read')
      fails('write')
      files.writeFileSync(path, Buffer.from('abc'))
      const kept = files.openSync(path, 'create')
      assert.equal(kept.size(), 3)
      kept.closeSync()
      const emptied = files.openSync(path, 'replace')
      assert.equal(emptied.size(), 0)
      emptied.closeSync()
    })

    test('lists, renames, removes', async () => {
      const files = make()
      const folder = newFolder(files)
      files.makeDirectorySync(join(folder, 'd', 'e'))
      files.writeFileSync(join(folder, 'd', 'f'), Buffer.from('f'))
      files.writeFileSync(join(folder, 'g'), Buffer.from('g'))
      const list = (path: string) =>
        files
          .listSync(path)
          .map(({ name, isDirectory }) => (isDirectory ? `${name}/` : name))
          .sort()
      assert.deepEqual(list(folder), ['d/', 'g'])
      files.renameSync(join(folder, 'd'), join(folder, 'h'))
      assert.deepEqual(
        [list(folder), list(join(folder, 'h')), list(join(folder, 'd'))],
        [['g', 'h/'], ['e/', 'f'], []],
      )
      files.renameSync(join(folder, 'g'), join(folder, 'h', 'f'))
      assert.equal(files.readFileSync(join(folder, 'h', 'f')).toString(), 'g')
      files.unlinkSync(join(folder, 'no such file'))
      await files.remove(join(folder, 'h'))
      await files.remove(join(folder, 'h'))
      assert.deepEqual(list(folder), [])
      assert.equal(files.sizeSync(join(folder, 'h')), undefined)
      assert.equal(files.existsSync(folder), true)
    })

    test('replaces a file as one', async () => {
      const files = make()
      const path = join(newFolder(files), 'checkpoint')
      writeAtomically(files, path, Buffer.from('first'))
      writeAtomically(files, path, Buffer.from('2'), false)
      assert.equal(files.readFileSync(path).toString(), '2')
      await writeAtomicallyLater(files, path, Buffer.from('third'))
      assert.equal(files.readFileSync(path).toString(), 'third')
      assert.deepEqual(
        files.listSync(parentOf(path)).map(({ name }) => name),
        ['checkpoint'],
      )
    })

    test('reads that are under way survive the closing of their file', async () => {
      const files = make()
      const path = join(newFolder(files), 'a')
      files.writeFileSync(path, Buffer.alloc(1 << 20, 7))
      const handle = files.openSync(path, 'read')
      const target = Buffer.alloc(1 << 20)
      const reading = handle.read(target, 0)
      const syncing = handle.datasync()
      handle.closeSync()
      assert.equal(await reading, 1 << 20)
      await syncing
      assert.ok(target.every((byte) => byte === 7))
    })

    test('lets one holder at a time into a directory', () => {
      const files = make()
      const folder = newFolder(files)
      const lock = files.lockDirectorySync(folder)
      assert.throws(
        () => files.lockDirectorySync(folder),
        (error) => error instanceof DirectoryLockedError && error.message.includes(String(process.pid)),
      )
      lock.release()
      lock.release()
      files.lockDirectorySync(folder).release()
    })

    test('tells the space there is', async () => {
      const files = make()
      const { totalBytes, freeBytes } = await files.space(newFolder(files))
      assert.ok(freeBytes <= totalBytes)
    })
  })
}

describe('a lock on the disk', () => {
  const holder = `
    import { systemFiles } from '${new URL('../../src/lib/files/system.js', import.meta.url)}'
    try {
      systemFiles.lockDirectorySync(process.argv[1])
      console.log('locked')
      setInterval(() => {}, 1000)
    } catch (error) {
      console.log(error.message)
    }`
  const args = (folder: string) => ['--input-type=module', '-e', holder, folder]

  test('keeps another process out, names it, and ends with it even by kill -9', async () => {
    const folder = newFolder(systemFiles)
    const child = spawn(process.execPath, args(folder), { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await new Promise<string[]>((resolve) =>
      child.stdout.once('data', (bytes) => resolve(String(bytes).split('\n'))),
    )
    assert.equal(line, 'locked')
    assert.throws(
      () => systemFiles.lockDirectorySync(folder),
      (error) => error instanceof DirectoryLockedError && error.ownerPid === child.pid,
    )
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    const lock = systemFiles.lockDirectorySync(folder)
    const refused = spawnSync(process.execPath, args(folder), { encoding: 'utf8' })
    assert.match(refused.stdout, new RegExp(`in use by process ${process.pid}`))
    lock.release()
  })

  test('is not kept by a file that a dead process left behind, whatever runs under its number now', () => {
    const folder = newFolder(systemFiles)
    writeFileSync(join(folder, '.lock'), `${process.ppid} 1 another-boot\n`)
    systemFiles.lockDirectorySync(folder).release()
    assert.ok(existsSync(join(folder, '.lock')))
    assert.equal(readFileSync(join(folder, '.lock'), 'utf8'), '')
  })
})

describe('a crash of the simulated disk', () => {
  test('keeps what was synced and a prefix of the rest', async () => {
    const outcomes = new Set<string>()
    for (let seed = 1; seed <= 60; seed++) {
      const files = new SimulatedFiles({ crashes: true })
      files.makeDirectorySync('d')
      const handle = files.openSync('d/a', 'create')
      handle.writeSync(Buffer.from('sync'), 0)
      const synced = handle.datasync()
      handle.writeSync(Buffer.from('ed?'), 4)
      await synced
      files.syncDirectorySync('d')
      handle.writeSync(Buffer.from('more'), 7)
      files.crash(new SeededRandom(seed))
      const left = files.readFileSync('d/a').toString()
      assert.ok('synced?more'.startsWith(left) && left.length >= 4, left)
      outcomes.add(left)
      assert.throws(
        () => handle.writeSync(Buffer.from('x'), 0),
        (error) => errorCode(error) === 'EBADF',
      )
    }
    assert.ok(outcomes.size >= 5)
  })

  test('may lose names that were not synced, but replaces a file wholly or not at all', () => {
    const outcomes = new Set<string>()
    for (let seed = 1; seed <= 40; seed++) {
      const files = new SimulatedFiles({ crashes: true })
      files.makeDirectorySync('d')
      writeAtomically(files, 'd/a', Buffer.from('old'))
      files.writeFileSync('d/b', Buffer.from('b'))
      writeAtomically(files, 'd/c.tmp', Buffer.from('new'))
      files.renameSync('d/c.tmp', 'd/a')
      files.crash(new SeededRandom(seed))
      const content = files.readFileSync('d/a').toString()
      assert.ok(content === 'old' || content === 'new', content)
      outcomes.add(content)
    }
    assert.deepEqual([...outcomes].sort(), ['new', 'old'])
  })

  test('gives the locks of the process free', () => {
    const files = new SimulatedFiles({ crashes: true })
    files.makeDirectorySync('d')
    files.syncDirectorySync('.')
    files.lockDirectorySync('d')
    files.processDied()
    files.lockDirectorySync('d')
  })
})

describe('the simulated disk', () => {
  test('is full after so many bytes, writes what fits, and has room again after deletions', async () => {
    const files = new SimulatedFiles({ capacityBytes: 100 })
    files.makeDirectorySync('d')
    const handle = files.openSync('d/a', 'create')
    handle.writeSync(Buffer.alloc(60), 0)
    const isFull = (error: unknown) => errorCode(error) === 'ENOSPC'
    assert.throws(() => handle.writeSync(Buffer.alloc(60), 60), isFull)
    assert.equal(handle.size(), 100)
    handle.writeSync(Buffer.alloc(100), 0)
    assert.deepEqual(await files.space(), { totalBytes: 100, freeBytes: 0 })
    handle.truncateSync(50)
    handle.writeSync(Buffer.alloc(50), 50)
    files.unlinkSync('d/a')
    files.writeFileSync('d/b', Buffer.alloc(100))
    files.writeFileSync('d/b', Buffer.alloc(100))
  })

  test('fails the operations it is told to, on the paths it is told, as long as it is told', () => {
    const files = new SimulatedFiles()
    files.makeDirectorySync('d')
    const [a, b] = ['d/a', 'd/b'].map((path) => files.openSync(path, 'create'))
    const heal = files.fail('write', /a$/, 'EIO')
    assert.throws(
      () => a!.writeSync(Buffer.alloc(1), 0),
      (error) => errorCode(error) === 'EIO',
    )
    b!.writeSync(Buffer.alloc(1), 0)
    heal()
    a!.writeSync(Buffer.alloc(1), 0)
  })

  test('agrees with one array of bytes after any writes and truncations', () => {
    const change = fc.oneof(
      fc.record({ at: fc.nat(200_000), length: fc.nat(100_000), fill: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ truncate: fc.nat(250_000) }),
    )
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const files = new SimulatedFiles()
        const handle = files.openSync('a', 'create')
        const model = Buffer.alloc(400_000)
        let size = 0
        for (const step of changes) {
          if ('truncate' in step) {
            handle.truncateSync(step.truncate)
            model.fill(0, step.truncate)
            size = step.truncate
          } else {
            handle.writeSync(Buffer.alloc(step.length, step.fill), step.at)
            model.fill(step.fill, step.at, step.at + step.length)
            size = step.length === 0 ? size : Math.max(size, step.at + step.length)
          }
        }
        assert.equal(handle.size(), size)
        assert.deepEqual(files.readFileSync('a'), model.subarray(0, size))
      }),
      { numRuns: 60 },
    )
  })

  test('takes memory in proportion to what is in it, and gives it back', () => {
    const files = new SimulatedFiles()
    const before = process.memoryUsage().arrayBuffers
    const handle = files.openSync('a', 'create')
    const piece = Buffer.alloc(1 << 16, 1)
    for (let i = 0; i < 512; i++) handle.writeSync(piece, i << 16)
    const grown = process.memoryUsage().arrayBuffers - before
    assert.ok(grown < 1.3 * (32 << 20), `${grown} bytes for 32 MiB`)
    for (let i = 0; i < 2000; i++) files.openSync(`small-${i}`, 'create').writeSync(Buffer.from('x'), 0)
    const small = process.memoryUsage().arrayBuffers - before - grown
    assert.ok(small < 2000 * 1100, `${small} bytes for 2000 small files`)
  })
})
