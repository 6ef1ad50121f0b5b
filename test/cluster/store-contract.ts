// What every backend of MetadataStore must keep, as tests: run it against each of them.
// Leaves what is a backend's own (crashes, limits of a protocol) to the backend's tests.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Entry, MetadataStore, TransactionResult, WatchEvent } from '../../src/cluster/store.ts'

export interface ContractSubject {
  /** A new session with the same store. */
  connect(): Promise<MetadataStore>
  /** Ends everything. */
  close(): Promise<void>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (entry: Entry | null): string | null => entry && new TextDecoder().decode(entry.value)

function entriesOf(result: TransactionResult): readonly (Entry | null)[] {
  assert.ok(result.ok, 'the transaction holds')
  return result.entries
}

async function create(store: MetadataStore, path: string, value = 'v', ephemeral = false): Promise<Entry> {
  const [entry] = entriesOf(
    await store.transaction([{ kind: 'create', path, value: bytes(value), ephemeral }]),
  )
  return entry!
}

/** Events arrive after the transaction they tell of; how much later is the backend's affair. */
async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.fail(`never came true: ${what}`)
}

export function storeContract(name: string, open: () => Promise<ContractSubject>): void {
  const withStore = (
    rule: string,
    check: (store: MetadataStore, subject: ContractSubject) => Promise<void>,
  ) =>
    test(rule, async () => {
      const subject = await open()
      try {
        await check(await subject.connect(), subject)
      } finally {
        await subject.close()
      }
    })

  describe(`${name} keeps the contract of MetadataStore`, () => {
    withStore('an entry that was never created is null', async (store) => {
      assert.equal(await store.get('/nothing'), null)
    })

    withStore('what a transaction returned is what get returns', async (store) => {
      const created = await create(store, '/a/b', 'hello')
      const read = await store.get('/a/b')
      assert.equal(text(read), 'hello')
      assert.equal(read?.version, created.version)
      assert.equal(read?.born, created.born)
      assert.equal(read?.owner, null)
    })

    withStore('create fails when the entry exists, and changes nothing', async (store) => {
      await create(store, '/a', 'one')
      const result = await store.transaction([{ kind: 'create', path: '/a', value: bytes('two') }])
      assert.deepEqual(result, { ok: false, failedAt: 0, why: 'exists' })
      assert.equal(text(await store.get('/a')), 'one')
    })

    withStore('put replaces the value only when the version is the expected one', async (store) => {
      const { version, born } = await create(store, '/a', 'one')
      const first = await store.transaction([
        { kind: 'put', path: '/a', value: bytes('two'), expected: version },
      ])
      const [second] = entriesOf(first)
      assert.notEqual(second?.version, version)
      assert.equal(second?.born, born)
      const late = await store.transaction([
        { kind: 'put', path: '/a', value: bytes('three'), expected: version },
      ])
      assert.deepEqual(late, { ok: false, failedAt: 0, why: 'version' })
      assert.equal(text(await store.get('/a')), 'two')
    })

    withStore('put and delete of a missing entry fail', async (store) => {
      const put = await store.transaction([{ kind: 'put', path: '/a', value: bytes('x'), expected: '1' }])
      assert.deepEqual(put, { ok: false, failedAt: 0, why: 'missing' })
      const deletion = await store.transaction([{ kind: 'delete', path: '/a', expected: '1' }])
      assert.deepEqual(deletion, { ok: false, failedAt: 0, why: 'missing' })
    })

    withStore('delete removes an entry of the expected version', async (store) => {
      const { version } = await create(store, '/a')
      const result = await store.transaction([{ kind: 'delete', path: '/a', expected: version }])
      assert.deepEqual(result, { ok: true, entries: [null] })
      assert.equal(await store.get('/a'), null)
    })

    withStore('a transaction is all or nothing, and names the operation that failed', async (store) => {
      const { version } = await create(store, '/a', 'one')
      const result = await store.transaction([
        { kind: 'create', path: '/b', value: bytes('b') },
        { kind: 'put', path: '/a', value: bytes('two'), expected: version },
        { kind: 'create', path: '/a', value: bytes('again') },
      ])
      assert.deepEqual(result, { ok: false, failedAt: 2, why: 'exists' })
      assert.equal(await store.get('/b'), null)
      assert.equal(text(await store.get('/a')), 'one')
    })

    withStore('a check lets the rest happen only while the version stands', async (store) => {
      const fence = await create(store, '/fence')
      const fenced = (path: string) =>
        store.transaction([
          { kind: 'check', path: '/fence', expected: fence.version },
          { kind: 'create', path, value: bytes('x') },
        ])
      assert.equal((await fenced('/a')).ok, true)
      entriesOf(
        await store.transaction([
          { kind: 'put', path: '/fence', value: bytes('new'), expected: fence.version },
        ]),
      )
      assert.deepEqual(await fenced('/b'), { ok: false, failedAt: 0, why: 'version' })
      assert.equal(await store.get('/b'), null)
    })

    withStore(
      'of many that compare and set the same version exactly one succeeds',
      async (store, subject) => {
        const other = await subject.connect()
        const { version } = await create(store, '/a')
        const attempts = Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? store : other).transaction([
            { kind: 'put', path: '/a', value: bytes(`${index}`), expected: version },
          ]),
        )
        const results = await Promise.all(attempts)
        assert.equal(results.filter(({ ok }) => ok).length, 1)
        assert.equal(text(await other.get('/a')), `${results.findIndex(({ ok }) => ok)}`)
      },
    )

    withStore(
      'list gives every entry below a directory in order of path, and not its neighbours',
      async (store) => {
        for (const path of ['/t/2/info', '/t/1/info', '/t/1/parts-0', '/tt/1', '/t2'])
          await create(store, path)
        const below = async (directory: string) => (await store.list(directory)).map(({ path }) => path)
        assert.deepEqual(await below('/t'), ['/t/1/info', '/t/1/parts-0', '/t/2/info'])
        assert.deepEqual(await below('/t/2'), ['/t/2/info'])
        assert.deepEqual(await below('/none'), [])
        assert.equal((await below('/')).length, 5)
      },
    )

    withStore('a creation stamp is newer than all before it, also at the same path', async (store) => {
      const first = await create(store, '/a')
      const second = await create(store, '/b')
      assert.ok(second.born > first.born)
      entriesOf(await store.transaction([{ kind: 'delete', path: '/a', expected: first.version }]))
      const third = await create(store, '/a')
      assert.ok(third.born > second.born)
    })

    withStore('ephemeral entries vanish with their session, others stay', async (store, subject) => {
      const other = await subject.connect()
      const entry = await create(other, '/brokers/1', 'here', true)
      assert.equal(entry.owner, other.session.id)
      await create(other, '/lasting')
      assert.equal(text(await store.get('/brokers/1')), 'here')
      await other.close()
      assert.equal(await store.get('/brokers/1'), null)
      assert.equal(text(await store.get('/lasting')), 'v')
    })

    withStore(
      'a session that is over is not valid any more and refuses everything',
      async (store, subject) => {
        const other = await subject.connect()
        assert.ok(other.session.validUntilMs() > 0)
        await other.close()
        await assert.rejects(other.get('/a'), { name: 'SessionLost' })
        await assert.rejects(other.transaction([{ kind: 'create', path: '/a', value: bytes('x') }]), {
          name: 'SessionLost',
        })
        assert.equal(await store.get('/a'), null)
      },
    )

    withStore(
      'a watch begins with resync and then names what changes below its directory',
      async (store, subject) => {
        const other = await subject.connect()
        const events: WatchEvent[] = []
        const unwatch = await store.watch('/t', (event) => events.push(event))
        assert.deepEqual(events[0], { kind: 'resync' })
        const created = await create(other, '/t/1/info')
        await create(other, '/elsewhere')
        entriesOf(await other.transaction([{ kind: 'delete', path: '/t/1/info', expected: created.version }]))
        const changes = () => events.filter((event) => event.kind === 'changed' && event.path === '/t/1/info')
        await eventually('both changes are told', () => changes().length >= 2 || events.length > 2)
        assert.ok(events.every((event) => event.kind === 'resync' || event.path.startsWith('/t/')))
        unwatch()
        const told = events.length
        await create(other, '/t/2/info')
        assert.equal(events.length, told)
      },
    )

    withStore('when an event arrives, get shows at least that change', async (store) => {
      const seen: (string | null)[] = []
      let reading = Promise.resolve()
      await store.watch('/a', (event) => {
        if (event.kind === 'resync') return
        reading = reading.then(async () => {
          seen.push(text(await store.get(event.path)))
        })
      })
      await create(store, '/a/b', 'new')
      await eventually('the event was told', () => seen.length > 0)
      await reading
      assert.equal(seen[0], 'new')
    })

    withStore('values and paths of any characters come back', async (store) => {
      const value = Uint8Array.from({ length: 1000 }, (_, index) => index % 256)
      entriesOf(await store.transaction([{ kind: 'create', path: '/ü/-_.€', value }]))
      assert.deepEqual(Buffer.from((await store.get('/ü/-_.€'))!.value), Buffer.from(value))
    })

    withStore('as many operations as the limit says go into one transaction', async (store) => {
      const operations = Array.from({ length: store.limits.maxOperations }, (_, index) => ({
        kind: 'create' as const,
        path: `/many/${String(index).padStart(4, '0')}`,
        value: bytes('x'),
      }))
      entriesOf(await store.transaction(operations))
      assert.equal((await store.list('/many')).length, operations.length)
    })
  })
}
