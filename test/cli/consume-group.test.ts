// Reading as a member of a group, against a broker in this process: nothing twice, nothing left out, whoever comes and goes.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Broker, startBroker } from '../../src/index.ts'
import { odradek } from './fake-io.ts'
import { type Running, start } from './running.ts'

let broker: Broker
before(async () => {
  const config = {
    'group.consumer.min.heartbeat.interval.ms': 100,
    'group.consumer.heartbeat.interval.ms': 100,
    'group.consumer.min.assignment.interval.ms': 0,
    'group.consumer.assignment.interval.ms': 0,
  }
  broker = await startBroker({ port: 0, storage: 'memory', config })
})
after(() => broker.close())

async function run(words: string[], input = '') {
  return odradek([...words, '-b', broker.bootstrapServers], { input })
}

async function printed(words: string[], input = ''): Promise<string> {
  const result = await run(words, input)
  assert.equal(result.code, 0, result.noted)
  return result.printed
}

function follow(words: string[]): Running {
  return start([...words, '--follow', '-b', broker.bootstrapServers])
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${from + i}\n`).join('')
const sorted = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map(Number)
    .sort((a, b) => a - b)
    .map((number) => `${number}\n`)
    .join('')

for (const protocol of ['classic', 'consumer']) {
  describe(`a group of the ${protocol} protocol`, { concurrency: true }, () => {
    const as = (name: string) => ['--group', `${protocol}-${name}`, '--protocol', protocol]

    test('prints what the group has not read yet, and remembers it', async () => {
      const topic = `unread-${protocol}`
      await printed(['topics', 'create', topic, '-p', '3'])
      await printed(['produce', topic, '-p', '0'], numbers(0, 50))
      await printed(['produce', topic, '-p', '2'], numbers(50, 60))
      assert.equal(sorted(await printed(['consume', topic, ...as('unread')])), numbers(0, 60))
      assert.equal(await printed(['consume', topic, ...as('unread')]), '')
      await printed(['produce', topic, '-p', '1'], 'more\n')
      const words = ['consume', topic, ...as('unread'), '--show', 'topic,partition,value']
      assert.equal(await printed(words), `${topic}\t1\tmore\n`)
      assert.equal(
        sorted(await printed(['consume', topic, ...as('other')])).length,
        numbers(0, 60).length + 4,
      )
    })

    test('ends after --count in the middle of a batch, and goes on right behind it', async () => {
      const topic = `count-${protocol}`
      await printed(['produce', topic, '-p', '0'], numbers(0, 10))
      const words = ['consume', topic, ...as('count')]
      assert.equal(await printed([...words, '-n', '3']), numbers(0, 3))
      assert.equal(await printed([...words, '-n', '4']), numbers(3, 7))
      assert.equal(await printed(words), numbers(7, 10))
    })

    test('two members share; when one goes the other goes on: every record once', async () => {
      const topic = `two-${protocol}`
      await printed(['topics', 'create', topic, '-p', '4'])
      const words = ['consume', topic, ...as('two'), '--from-beginning', '--show', 'value']
      const produce = async (from: number, to: number) => {
        const part = (to - from) / 4
        for (let partition = 0; partition < 4; partition++) {
          const lines = numbers(from + partition * part, from + (partition + 1) * part)
          await printed(['produce', topic, '-p', String(partition)], lines)
        }
      }
      const one = follow(words)
      await produce(0, 40)
      await one.until(/^39$/m)
      const other = follow(words)
      const members = async () =>
        (await printed(['groups', 'describe', `${protocol}-two`, '--members'])).split('\t2\ttwo-').length - 1
      while ((await members()) < 2) await new Promise((resolve) => setTimeout(resolve, 20))
      await produce(40, 80)
      while (sorted(one.printed() + other.printed()) !== numbers(0, 80))
        await new Promise((resolve) => setTimeout(resolve, 10))
      assert.notEqual(other.printed(), '')
      assert.equal(await other.interrupt(), 0)
      await produce(80, 120)
      while (sorted(one.printed() + other.printed()).length < numbers(0, 120).length)
        await new Promise((resolve) => setTimeout(resolve, 10))
      assert.equal(await one.interrupt(), 0)
      assert.equal(sorted(one.printed() + other.printed()), numbers(0, 120))
      assert.equal(one.noted() + other.noted(), '')
      const [described] = JSON.parse(await printed(['groups', 'describe', `${protocol}-two`, '--json']))
      assert.deepEqual([described.state, described.lag, described.members], ['Empty', 0, []])
    })

    test('several topics at once', async () => {
      await printed(['produce', `a-${protocol}`, '-p', '0'], '1\n2\n')
      await printed(['produce', `b-${protocol}`, '-p', '0'], '3\n')
      const text = await printed(['consume', `a-${protocol}`, `b-${protocol}`, ...as('several')])
      assert.equal(sorted(text), numbers(1, 4))
    })

    test('a member for which nothing is left says so and ends', async () => {
      const topic = `idle-${protocol}`
      await printed(['produce', topic, '-p', '0'], 'x\n')
      const one = follow(['consume', topic, ...as('idle'), '--from-beginning', '--instance-id', 'a'])
      await one.until(/x/)
      const other = await run(['consume', topic, ...as('idle'), '--instance-id', 'b'])
      assert.equal(other.code, 0, other.noted)
      assert.equal(other.printed, '')
      assert.match(other.noted, /no partitions for this member/)
      assert.equal(await one.interrupt(), 0)
    })

    test('where the group has got to is not there any more: begins with what is, and says so', async () => {
      const topic = `gone-${protocol}`
      await printed(['produce', topic, '-p', '0'], numbers(0, 5))
      await printed(['consume', topic, ...as('gone')])
      await printed(['topics', 'delete', topic])
      await printed(['produce', topic, '-p', '0'], numbers(0, 2))
      await printed([
        'groups',
        'reset-offsets',
        `${protocol}-gone`,
        '-t',
        topic,
        '--to-earliest',
        '--execute',
      ])
      const result = await run(['consume', topic, ...as('gone')])
      assert.equal(result.printed, numbers(0, 2), result.noted)
    })
  })
}

test('two members with one instance id: told what is wrong', async () => {
  await printed(['produce', 'static', '-p', '0'], 'x\n')
  const words = [
    'consume',
    'static',
    '-g',
    'static',
    '--from-beginning',
    '--protocol',
    'consumer',
    '--instance-id',
    'i',
  ]
  const one = follow(words)
  await one.until(/x/)
  const other = await run(words)
  assert.equal(other.code, 1)
  assert.match(
    other.noted,
    /another member uses this instance id; each needs its own \(UNRELEASED_INSTANCE_ID\)/,
  )
  assert.equal(await one.interrupt(), 0)
})

test('without --protocol a member speaks the one of those who are there', async () => {
  await printed(['topics', 'create', 'mixed', '-p', '2'])
  await printed(['produce', 'mixed', '-p', '0'], 'x\n')
  const one = follow(['consume', 'mixed', '-g', 'mixed', '--from-beginning', '--protocol', 'classic'])
  await one.until(/x/)
  const other = follow(['consume', 'mixed', '-g', 'mixed'])
  for (;;) {
    const [{ type, state, members }] = JSON.parse(await printed(['groups', 'describe', 'mixed', '--json']))
    assert.equal(type, 'classic')
    if (state === 'Stable' && members.length === 2) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.deepEqual(await Promise.all([one.interrupt(), other.interrupt()]), [0, 0])
})

describe('wrong calls', () => {
  const wrong: [string[], RegExp][] = [
    [['a', 'b'], /several topics at once are for --group/],
    [['a', '--instance-id', 'i'], /--instance-id is for members of a group/],
    [['a', '--protocol', 'classic'], /--protocol is for members of a group/],
    [['a', '-g', 'g', '-p', '0'], /--partitions: in a group the members share them out/],
    [['a', '-g', 'g', '-o', '3'], /groups reset-offsets/],
    [['a', '-g', 'g', '--timestamp', '3'], /groups reset-offsets/],
    [['a', '-g', ''], /--group: a group has a name/],
    [['a', '-g', 'g', '--protocol', 'other'], /Allowed choices are classic, consumer/],
  ]
  for (const [words, reason] of wrong) {
    test(words.join(' '), async () => {
      const { code, noted } = await run(['consume', ...words])
      assert.equal(code, 2, noted)
      assert.match(noted, reason)
    })
  }

  test('an assignor that nobody knows, a topic that is not there', async () => {
    await printed(['topics', 'create', 'known'])
    const classic = await run(['consume', 'known', '-g', 'g', '--protocol', 'classic', '--assignor', 'x'])
    assert.match(classic.noted, /--assignor x: not one of range, cooperative-sticky/)
    const consumer = await run(['consume', 'known', '-g', 'g', '--protocol', 'consumer', '--assignor', 'x'])
    assert.match(consumer.noted, /UNSUPPORTED_ASSIGNOR/)
    assert.equal(consumer.code, 1)
    const missing = await run(['consume', 'none', '-g', 'g'])
    assert.match(missing.noted, /topic none does not exist/)
  })
})
