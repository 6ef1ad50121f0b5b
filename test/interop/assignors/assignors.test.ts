// Apache Kafka's own assignors against ours, on the specs of some hundred changes of seeded groups; and RE2/J against our
// patterns. Skipped with a line where Java is missing; in CI that is a failure.
// The range assignor must give the same; the uniform one no less balance, and no more moves for the same balance.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  type Assignment,
  type AssignmentSpec,
  type AssignorName,
  assignors,
  NO_ASSIGNMENT,
} from '../../../src/coordinator/group/assignors/assignor.ts'
import { compilePattern } from '../../../src/coordinator/group/regex.ts'
import { SeededRandom } from '../../../src/lib/random.ts'
import { afterwards, moves, showAll, sizeOf, withType } from '../../coordinator/assignors/specs.ts'
import { javaSkipReason, repositoryRoot, runJava } from '../../support/apache-kafka.ts'

type Targets = ReadonlyMap<string, Assignment>

const skip = javaSkipReason()

const referee = () => join(repositoryRoot(), 'test/interop/assignors/GroupReferee.java')

async function ask(mode: string, questions: readonly unknown[]): Promise<unknown[]> {
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join('')
  const { stdout } = await runJava(referee(), [mode], { stdin: input })
  const answers = stdout.trim().split('\n')
  assert.equal(answers.length, questions.length)
  return answers.map((line) => JSON.parse(line))
}

/** Every spec that a group comes to which members join and leave, and whose topics grow and go. */
function specsOf(seed: number, assignor: AssignorName, subscriptions: 'alike' | 'unlike'): AssignmentSpec[] {
  const random = new SeededRandom(seed)
  const ids = Array.from({ length: 5 }, () => random.bytes(16).toString('base64url'))
  let members: AssignmentSpec['members'] = new Map()
  const topics = new Map(ids.map((id, i) => [id, { name: `t${i}`, partitions: 1 + random.below(12) }]))
  const specs: AssignmentSpec[] = []
  for (let change = 0; change < 25; change++) {
    const next = new Map(members)
    const memberId = `m${random.below(9)}`
    if (next.size > 0 && random.below(3) === 0) {
      next.delete([...next.keys()][random.below(next.size)]!)
    } else {
      const chosen = subscriptions === 'alike' ? ids : ids.filter(() => random.below(2) === 0)
      next.set(memberId, {
        rackId: null,
        instanceId: random.below(3) === 0 ? `i${10 - Number(memberId.slice(1))}` : null,
        // What the topics do not have is not in a spec: consumers' names are looked up in the image before.
        subscribedTopicIds: new Set(chosen.filter((id) => topics.has(id))),
        assigned: next.get(memberId)?.assigned ?? NO_ASSIGNMENT,
      })
    }
    const id = ids[random.below(ids.length)]!
    const topic = topics.get(id)!
    if (random.below(4) === 0) topics.set(id, { ...topic, partitions: topic.partitions + random.below(6) })
    if (next.size === 0) continue
    const spec = withType(next, new Map(topics))
    specs.push(spec)
    members = afterwards(spec, assignors.get(assignor)!.assign(spec))
  }
  return specs
}

function question(spec: AssignmentSpec, assignor: AssignorName): unknown {
  const members = [...spec.members].map(([memberId, member]) => [
    memberId,
    {
      instanceId: member.instanceId,
      subscribed: [...member.subscribedTopicIds],
      assigned: Object.fromEntries(member.assigned),
    },
  ])
  const topics = [...spec.topics].map(([id, { partitions }]) => [id, partitions])
  return {
    assignor,
    type: spec.subscriptionType,
    members: Object.fromEntries(members),
    topics: Object.fromEntries(topics),
  }
}

async function kafkasTargets(specs: readonly AssignmentSpec[], assignor: AssignorName): Promise<Targets[]> {
  const answers = await ask(
    'assign',
    specs.map((spec) => question(spec, assignor)),
  )
  return answers.map(
    (answer) =>
      new Map(
        Object.entries(answer as Record<string, Record<string, number[]>>).map(([id, lists]) => [
          id,
          new Map(Object.entries(lists)),
        ]),
      ),
  )
}

/** The less, the more even. */
const unevenness = (targets: Targets) =>
  [...targets.values()].reduce((sum, target) => sum + sizeOf(target) ** 2, 0)

const seeds = [...Array(12).keys()]

describe('assignors and those of Apache Kafka 4.3', { skip }, () => {
  test('range: the same', async () => {
    const specs = seeds.flatMap((seed) => [
      ...specsOf(seed, 'range', 'alike'),
      ...specsOf(seed, 'range', 'unlike'),
    ])
    const theirs = await kafkasTargets(specs, 'range')
    assert.ok(specs.length > 400)
    for (const [i, spec] of specs.entries()) {
      assert.deepEqual(showAll(assignors.get('range')!.assign(spec)), showAll(theirs[i]!))
    }
  })

  for (const subscriptions of ['alike', 'unlike'] as const) {
    test(`uniform, subscriptions ${subscriptions}: as even or more, and as few moves or fewer`, async () => {
      const specs = seeds.flatMap((seed) => specsOf(seed, 'uniform', subscriptions))
      const theirs = await kafkasTargets(specs, 'uniform')
      let [ours, kafkas] = [0, 0]
      for (const [i, spec] of specs.entries()) {
        const targets = assignors.get('uniform')!.assign(spec)
        assert.ok(unevenness(targets) <= unevenness(theirs[i]!), `spec ${i} is less even`)
        // Chains of moves that only ours looks for.
        if (unevenness(targets) < unevenness(theirs[i]!)) continue
        const [moved, kafkaMoved] = [moves(spec, targets), moves(spec, theirs[i]!)]
        ours += moved
        kafkas += kafkaMoved
        if (subscriptions === 'alike')
          assert.ok(moved <= kafkaMoved, `spec ${i}: ${moved}, not ${kafkaMoved}`)
      }
      assert.ok(ours <= kafkas, `${ours} moves; Apache Kafka has ${kafkas}`)
    })
  }
})

const patterns = [
  ...[
    'orders.*',
    'orders|orders-eu',
    '(?i)ORDERS',
    'a{2,3}',
    'a{,3}',
    'a{0}',
    '(a|b)*',
    '',
    '^orders$',
    '$',
    '^',
  ],
  ...[
    '[[:alpha:]]+',
    '[^a-z]+',
    '[]a]',
    '[a',
    'a]',
    '{',
    'a{',
    'a{1',
    'a{1,2',
    '}',
    ')',
    '(',
    '()',
    '(?:)',
    '(|a)',
  ],
  ...['a**', 'a+?', 'a??', 'a*?', 'a++', '*', '+a', '?', 'a|*', '(*)', 'x{1001}', 'x{1000}', '(x{100}){100}'],
  ...[
    '(?P<n>a)',
    '(?<n>a)',
    '(?P<n>a)(?P<n>b)',
    '(?P=n)',
    '(?P<>a)',
    '(?s).*',
    '(?m)^a$',
    '(?U)a+',
    '(?x)a',
    '(?i',
  ],
  ...[
    '(?=a)',
    '(?!a)',
    '(?<=a)b',
    '(?<!a)b',
    '(?>a)',
    '(?#c)',
    '(a)\\1',
    '\\k<n>',
    '(?-i)a',
    '(?i-s:a.)',
    '(?z)',
  ],
  ...[
    '\\d+',
    '\\D',
    '\\w+',
    '\\W',
    '\\s',
    '\\S',
    '\\b',
    '\\B',
    '\\A',
    '\\z',
    '\\Z',
    '\\G',
    '\\C',
    '\\h',
    '\\R',
    '\\X',
  ],
  ...[
    '\\pL+',
    '\\p{Greek}',
    '\\p{L}',
    '\\P{L}',
    '\\p{^L}',
    '\\p{Nope}',
    '\\p',
    '\\p{',
    '\\x41',
    '\\x{61}',
    '\\x{110000}',
  ],
  ...[
    '\\x',
    '\\141',
    '\\0',
    '\\8',
    '\\n',
    '\\t',
    '\\a',
    '\\f',
    '\\v',
    '\\e',
    '\\cA',
    '\\u0061',
    '\\',
    '\\Q.a\\E',
    '\\Qa',
  ],
  ...[
    '\\_',
    '\\-',
    '\\.',
    '\\@',
    'a.b',
    '[a-\\d]',
    '[z-a]',
    '[a-b-c]',
    '[\\w.-]+',
    '[\\b]',
    '[[:word:]]+',
    '[[:nope:]]',
  ],
  ...['[[=a=]]', '[a&&b]', '.*\\.(eu|us)', '(((((a)))))', '\\E', 'é+', '😀', '[😀-😂]', '(?i)k', '(?i)ſ'],
]

const names = [
  ...[
    '',
    'orders',
    'Orders',
    'ORDERS',
    'orders-eu',
    'orders.eu',
    'a',
    'aa',
    'aaa',
    'b',
    'ab',
    'A',
    'k',
    's',
    '{',
    'a{',
  ],
  ...[
    'a{1',
    'a{1,2',
    'a]',
    '}',
    '1',
    '123',
    '_',
    '-',
    '.',
    '.a',
    'a.b',
    'a-b',
    'd',
    '-d',
    '__consumer_offsets',
    'a{,3}',
  ],
]

/** Refused by ours alone: nested repetitions count multiplied, and a thousand is the most. */
const refusedByOurs = new Set(['(x{100}){100}'])

test('patterns: as RE2/J rules, in the version that Apache Kafka 4.3 has', { skip }, async () => {
  const rulings = await ask(
    'patterns',
    patterns.map((pattern) => [pattern, ...names]),
  )
  for (const [i, pattern] of patterns.entries()) {
    let ours: unknown
    try {
      const compiled = compilePattern(pattern)
      ours = names.filter((name) => compiled.matches(name))
    } catch {
      ours = 'refused'
    }
    const ruling = rulings[i]
    const theirs = Array.isArray(ruling) ? names.filter((_, at) => ruling[at]) : 'refused'
    if (refusedByOurs.has(pattern)) assert.ok(ours === 'refused' && theirs !== 'refused')
    else assert.deepEqual(ours, theirs, `${pattern}: RE2/J says ${ruling}`)
  }
})
