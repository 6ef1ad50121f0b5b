// The embedded store on a disk that crashes, fills up and fails.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CorruptMetadataError, encodeBatch, readLog, readSnapshot } from '../../src/cluster/embedded-log.ts'
import { EmbeddedStore, type EmbeddedStoreOptions } from '../../src/cluster/embedded-store.ts'
import type { MetadataStore, StoreOperation } from '../../src/cluster/store.ts'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { systemFiles } from '../../src/lib/files/system.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { crc32c } from '../../src/wire/crc32c.ts'
import { storeContract } from './store-contract.ts'

const DIRECTORY = '/data'
const LOG = `${DIRECTORY}/odradek-metadata.log`
const SNAPSHOT = `${DIRECTORY}/odradek-metadata.snapshot`

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function newDisk(capacityBytes?: number): SimulatedFiles {
  const files = new SimulatedFiles({ crashes: true, ...(capacityBytes !== undefined && { capacityBytes }) })
  files.makeDirectorySync(DIRECTORY)
  files.syncDirectorySync('/')
  return files
}

function open(files: SimulatedFiles, options: Partial<EmbeddedStoreOptions> = {}): EmbeddedStore {
  return EmbeddedStore.open({ files, directory: DIRECTORY, logger: silentLogger, ...options })
}

async function put(store: MetadataStore, path: string, value: string): Promise<void> {
  const current = await store.get(path)
  const operation: StoreOperation =
    current === null
      ? { kind: 'create', path, value: bytes(value) }
      : { kind: 'put', path, value: bytes(value), expected: current.version }
  const result = await store.transaction([operation])
  assert.equal(result.ok, true)
}

async function contents(store: MetadataStore): Promise<Record<string, string>> {
  const entries = await store.list('/')
  return Object.fromEntries(entries.map(({ path, value }) => [path, new TextDecoder().decode(value)]))
}

storeContract('the embedded store', async () => {
  const store = open(newDisk())
  return { connect: async () => store.connect(), close: () => store.close() }
})

storeContract('the embedded store on a real disk', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'odradek-metadata-'))
  const store = EmbeddedStore.open({ files: systemFiles, directory, logger: silentLogger })
  const close = async () => {
    await store.close()
    await rm(directory, { recursive: true })
  }
  return { connect: async () => store.connect(), close }
})

describe('the embedded store, opened again', () => {
  test('has everything lasting, with the same versions, and nothing ephemeral', async () => {
    const files = newDisk()
    const first = open(files)
    const session = first.connect()
    await put(session, '/a', 'one')
    await put(session, '/a', 'two')
    await session.transaction([{ kind: 'create', path: '/e', value: bytes('x'), ephemeral: true }])
    const before = await session.get('/a')
    files.processDied()
    const second = open(files).connect()
    assert.deepEqual(await contents(second), { '/a': 'two' })
    assert.deepEqual({ ...(await second.get('/a')), value: null }, { ...before, value: null })
  })

  test('gives a new registration a newer stamp than any before a crash', async () => {
    const files = newDisk()
    let newest = 0n
    for (let round = 0; round < 5; round++) {
      const session = open(files).connect()
      const result = await session.transaction([
        { kind: 'create', path: '/brokers/1', value: bytes('x'), ephemeral: true },
      ])
      assert.ok(result.ok)
      const { born } = result.entries[0]!
      assert.ok(born > newest)
      newest = born
      files.crash(new SeededRandom(round))
    }
  })

  test('takes over from a snapshot, and forgets the log that it covers', async () => {
    const files = newDisk()
    const options = { leastLogBytes: 2000 }
    const session = open(files, options).connect()
    for (let index = 0; index < 200; index++) await put(session, `/key-${index % 10}`, `value ${index}`)
    const before = await contents(session)
    assert.ok(files.existsSync(SNAPSHOT))
    files.processDied()
    assert.deepEqual(await contents(open(files, options).connect()), before)
  })

  test('is not confused by transactions that the snapshot covers already', async () => {
    const files = newDisk()
    const session = open(files).connect()
    for (let index = 0; index < 50; index++) await put(session, '/key', `value ${index}`)
    const uncut = files.readFileSync(LOG)
    files.processDied()
    const again = open(files, { leastLogBytes: 1 })
    await put(again.connect(), '/key', 'last')
    await again.close()
    assert.ok(files.existsSync(SNAPSHOT))
    // As if the machine had stopped between the renaming of the snapshot and the emptying of the log.
    files.writeFileSync(LOG, uncut)
    assert.deepEqual(await contents(open(files).connect()), { '/key': 'last' })
  })
})

describe('a crash at any moment', () => {
  // Two entries always move together; each value counts up.
  async function work(store: EmbeddedStore, acked: { value: number }, count: number): Promise<void> {
    const session = store.connect()
    let value = Number((await contents(session))['/left'] ?? '0')
    for (let index = 0; index < count; index++) {
      value++
      const operations: StoreOperation[] = []
      for (const path of ['/left', '/right']) {
        const current = await session.get(path)
        if (current === null) operations.push({ kind: 'create', path, value: bytes(`${value}`) })
        else operations.push({ kind: 'put', path, value: bytes(`${value}`), expected: current.version })
      }
      const result = await session.transaction(operations)
      assert.ok(result.ok)
      acked.value = value
    }
  }

  for (let seed = 1; seed <= 60; seed++) {
    test(`keeps what was acknowledged and never half of it (seed ${seed})`, async () => {
      const random = new SeededRandom(seed)
      const files = newDisk()
      const acked = { value: 0 }
      for (let round = 0; round < 6; round++) {
        const store = open(files, { leastLogBytes: 400 })
        const found = await contents(store.connect())
        const [left, right] = [Number(found['/left'] ?? 0), Number(found['/right'] ?? 0)]
        assert.equal(left, right, 'both entries of a transaction are there or none')
        assert.ok(left >= acked.value, `acknowledged ${acked.value}, found ${left}`)
        assert.ok(left <= acked.value + 1, `found ${left}, which was never written`)
        acked.value = left
        const working = work(store, acked, 30).catch(() => {})
        // Let it run for a while, and pull the plug in the middle of whatever it is doing.
        for (let turns = random.below(200); turns > 0; turns--) await null
        files.crash(random)
        await working
      }
    })
  }
})

describe('damage', () => {
  async function written(count: number): Promise<{ files: SimulatedFiles; log: Buffer }> {
    const files = newDisk()
    const session = open(files).connect()
    for (let index = 0; index < count; index++) await put(session, `/key-${index}`, `value ${index}`)
    files.processDied()
    return { files, log: files.readFileSync(LOG) }
  }

  test('a bit flipped in front of other records is refused, with file and position', async () => {
    const { files, log } = await written(3)
    log[20]! ^= 1
    files.writeFileSync(LOG, log)
    assert.throws(() => open(files), {
      name: 'CorruptMetadataError',
      message: /odradek-metadata\.log is damaged at byte 0/,
    })
  })

  test('a damaged length in front of other records is refused, too', async () => {
    const { files, log } = await written(3)
    log.writeInt32BE(2 ** 30, 0)
    files.writeFileSync(LOG, log)
    assert.throws(() => open(files), { name: 'CorruptMetadataError' })
  })

  test('a torn end is cut and counted, and what comes after it is kept', async () => {
    const { files, log } = await written(3)
    let end = log.length
    while (log[end - 1] === 0) end--
    log.fill(0, end - 5)
    files.writeFileSync(LOG, log)
    const store = open(files)
    assert.ok(store.cutBytes > 0)
    assert.deepEqual(await contents(store.connect()), { '/key-0': 'value 0', '/key-1': 'value 1' })
    await put(store.connect(), '/more', 'x')
    files.processDied()
    const again = open(files)
    assert.equal(again.cutBytes, 0)
    assert.deepEqual(Object.keys(await contents(again.connect())), ['/key-0', '/key-1', '/more'])
  })

  test('a damaged snapshot is refused', async () => {
    const files = newDisk()
    const first = open(files, { leastLogBytes: 1 })
    await put(first.connect(), '/key', 'value')
    await first.close()
    const snapshot = files.readFileSync(SNAPSHOT)
    for (const damage of [
      (copy: Buffer) => copy.subarray(0, copy.length - 1),
      (copy: Buffer) => Buffer.concat([copy, Buffer.from([0])]),
      (copy: Buffer) => {
        copy[30]! ^= 1
        return copy
      },
    ]) {
      files.writeFileSync(SNAPSHOT, damage(Buffer.from(snapshot)))
      assert.throws(() => open(files), {
        name: 'CorruptMetadataError',
        message: /odradek-metadata\.snapshot/,
      })
    }
  })

  test('a log without its snapshot is refused', async () => {
    const files = newDisk()
    const first = open(files, { leastLogBytes: 1 })
    await put(first.connect(), '/key', 'value')
    await put(first.connect(), '/key', 'value 2')
    await first.close()
    const second = open(files)
    await put(second.connect(), '/key', 'value 3')
    await second.close()
    files.unlinkSync(SNAPSHOT)
    assert.throws(() => open(files), { name: 'CorruptMetadataError', message: /is missing/ })
  })

  test('any single damaged byte is refused, cut as a torn end, or in reserved space', async () => {
    const { files, log } = await written(4)
    let end = log.length
    while (log[end - 1] === 0) end--
    for (let position = 0; position < end; position++) {
      const damaged = Buffer.from(log)
      damaged[position]! ^= 0x55
      files.writeFileSync(LOG, damaged)
      try {
        const found = Object.keys(await contents(open(files).connect()))
        assert.deepEqual(found, ['/key-0', '/key-1', '/key-2'], `byte ${position}`)
      } catch (error) {
        assert.equal((error as Error).name, 'CorruptMetadataError')
      }
      files.processDied()
    }
  })
})

test('any bytes at all are contents or damage, never anything else', () => {
  const frame = encodeBatch([{ stamp: 1, changes: [{ kind: 0, path: '/a', value: bytes('x') }] }])
  const noise = fc.uint8Array({ maxLength: 300 }).map((noise) => Buffer.from(noise))
  // Payloads with a right checksum and senseless contents, too.
  const framed = noise.map((payload) => {
    const framed = Buffer.alloc(payload.length + 9, 1)
    payload.copy(framed, 9)
    framed.writeInt32BE(payload.length + 1, 0)
    framed.writeUInt32BE(crc32c(framed, 8), 4)
    return framed
  })
  fc.assert(
    fc.property(fc.array(fc.oneof(noise, framed, fc.constant(frame)), { maxLength: 5 }), (parts) => {
      for (const read of [readLog, readSnapshot]) {
        try {
          read(Buffer.concat(parts), 'file')
        } catch (error) {
          assert.ok(error instanceof CorruptMetadataError, String(error))
        }
      }
    }),
    { numRuns: 2000 },
  )
})

describe('a full disk', () => {
  test('refuses what is new, takes deletions and changes, and recovers without a restart', async () => {
    const files = newDisk(400_000)
    const session = open(files).connect()
    await put(session, '/a', 'one')
    await put(session, '/b', 'one')
    files.capacityBytes = 0
    await assert.rejects(put(session, '/c', 'x'.repeat(100_000)), { name: 'StoreFullError' })
    const fill = async () => {
      for (let index = 0; ; index++) await put(session, `/small-${index}`, 'x'.repeat(1000))
    }
    await assert.rejects(fill, { name: 'StoreFullError' })
    for (const { path, version } of (await session.list('/')).filter(({ path }) =>
      path.startsWith('/small'),
    )) {
      assert.ok((await session.transaction([{ kind: 'delete', path, expected: version }])).ok)
    }
    await put(session, '/a', 'two')
    const { version } = (await session.get('/b'))!
    assert.ok((await session.transaction([{ kind: 'delete', path: '/b', expected: version }])).ok)
    files.capacityBytes = 800_000
    await put(session, '/c', 'x')
    files.processDied()
    assert.deepEqual(await contents(open(files).connect()), { '/a': 'two', '/c': 'x' })
  })

  test('lets a broker start', async () => {
    const files = newDisk(400_000)
    await put(open(files).connect(), '/a', 'one')
    files.processDied()
    files.capacityBytes = 0
    const session = open(files).connect()
    const operation = { kind: 'create', path: '/brokers/1', value: bytes('x'), ephemeral: true } as const
    assert.ok((await session.transaction([operation])).ok)
  })

  test('leaves no half batch behind when space runs out in the middle of one', async () => {
    const files = newDisk(300_000)
    const session = open(files).connect()
    await put(session, '/a', 'one')
    const { version } = (await session.get('/a'))!
    files.capacityBytes = 200_000
    const large = { kind: 'put', path: '/a', value: new Uint8Array(300_000), expected: version } as const
    await assert.rejects(session.transaction([large]), { name: 'StoreFullError' })
    await put(session, '/a', 'two')
    files.processDied()
    assert.deepEqual(await contents(open(files).connect()), { '/a': 'two' })
  })
})

test('a quota that is used up is a full disk, not a broken one', async () => {
  const files = newDisk()
  const session = open(files).connect()
  await put(session, '/a', 'one')
  const heal = files.fail('write', /odradek-metadata\.log/, 'EDQUOT')
  await assert.rejects(put(session, '/b', 'x'.repeat(100_000)), { name: 'StoreFullError' })
  heal()
  await put(session, '/a', 'two')
  assert.deepEqual(await contents(session), { '/a': 'two' })
})

describe('a failing disk', () => {
  for (const operation of ['sync', 'write'] as const) {
    test(`ends all sessions when a ${operation} fails, and never tries again`, async () => {
      const files = newDisk()
      const store = open(files)
      const session = store.connect()
      const events: string[] = []
      session.session.on((event) => events.push(event))
      await put(session, '/a', 'one')
      const heal = files.fail(operation, /odradek-metadata\.log/, 'EIO')
      await assert.rejects(put(session, '/a', 'two'), { name: 'SessionLost', message: /EIO/ })
      heal()
      assert.deepEqual(events, ['lost'])
      assert.equal(session.session.validUntilMs(), Number.NEGATIVE_INFINITY)
      await assert.rejects(store.connect().get('/a'), { name: 'SessionLost' })
      await store.close()
    })
  }

  test('goes on without a snapshot when one cannot be written', async () => {
    const files = newDisk()
    files.fail('write', /snapshot/, 'EIO')
    const session = open(files, { leastLogBytes: 100 }).connect()
    for (let index = 0; index < 20; index++) await put(session, '/a', `${index}`)
    assert.deepEqual(await contents(session), { '/a': '19' })
  })
})

test('transactions that wait for a sync travel together in the next one', async () => {
  const files = newDisk()
  const session = open(files).connect()
  let syncs = 0
  const openSync = files.openSync.bind(files)
  files.openSync = (path, mode) => {
    const handle = openSync(path, mode)
    return {
      ...handle,
      datasync: () => {
        syncs++
        return handle.datasync()
      },
    }
  }
  const counted = open(files).connect()
  const creations = Array.from({ length: 500 }, (_, index) => put(counted, `/key-${index}`, 'x'))
  await Promise.all(creations)
  assert.ok(syncs <= 3, `${syncs} syncs for 500 transactions`)
  await session.close()
})
