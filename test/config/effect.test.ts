// Settings in the tables have an effect: something outside of src/config reads them, or the row says what they wait for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { camelCase } from '../../src/config/definition.ts'
import { brokerRows, groupRows, topicRows } from '../../src/config/keys.ts'
import { sourceFiles } from '../tidy/source-file.ts'

/** Listeners and limits of connections are read through functions of src/config/listeners.ts. */
const readers: Readonly<Record<string, string>> = {
  listeners: 'listenerSettings',
  'advertised.listeners': 'listenerSettings',
  'listener.security.protocol.map': 'listenerSettings',
  'controller.listener.names': 'listenerSettings',
  'inter.broker.listener.name': 'listenerSettings',
  'max.connections.per.ip': 'connectionLimit',
  'max.connections.per.ip.overrides': 'connectionLimit',
}

const wordsOf = (isWanted: (path: string) => boolean) =>
  new Set(
    sourceFiles(['src'], /\.ts$/)
      .filter(({ path }) => isWanted(path))
      // In a list of keys, as in Pick<TopicConfig, 'segmentBytes'>, a name is a text.
      .flatMap(({ uncommented }) => uncommented.flatMap((line) => line.match(/\w+/g) ?? [])),
  )

const words = wordsOf((path) => !path.startsWith('src/config/'))
/** What bounds the settings of groups is read where those are resolved. */
const boundWords = wordsOf((path) => path === 'src/config/group-config.ts')

const isRead = (name: string) => words.has(readers[name] ?? camelCase(name))
const bounds = (name: string) => boundWords.has(camelCase(name))

test('every topic setting is read, or says what it waits for', () => {
  const idle = [...topicRows].filter(([name, row]) => row.pending === undefined && !isRead(name))
  assert.deepEqual(
    idle.map(([name]) => name),
    [],
  )
})

test('every group setting is read', () => {
  const idle = [...groupRows.keys()].filter((name) => !isRead(name))
  assert.deepEqual(idle, [])
})

test('every broker setting is read, gives topics a value that is read, or stands in for one', () => {
  const forTopics = new Set([...topicRows.values()].map(({ brokerKey }) => brokerKey))
  const idle = [...brokerRows].filter(([name, row]) => {
    if (row.pending !== undefined || row.fallbackOf !== undefined || forTopics.has(name)) return false
    return !isRead(name) && !bounds(name)
  })
  assert.deepEqual(
    idle.map(([name]) => name),
    [],
  )
})
