// What encoding and decoding the messages of the hot path costs: nanoseconds each, the median of several rounds.
// Run: node build/bench/micro/wire.js

import type { Api } from '../../src/wire/api.ts'
import { apis, fetch, metadata, produce } from '../../src/wire/apis/index.ts'
import { decodeRequestHeader, encodeRequest, encodeResponse } from '../../src/wire/frame.ts'
import { flatten } from '../../src/wire/writer.ts'

const ROUND_MS = 150
const ROUNDS = 7

let sink = 0

/** CPU time of this process in milliseconds: other processes on the machine disturb it less than they do a clock. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function spentMs(calls: number, call: () => number): number {
  const startMs = cpuMs()
  for (let index = 0; index < calls; index++) sink ^= call()
  return cpuMs() - startMs
}

/** Median nanoseconds of one call. */
function measure(call: () => number): number {
  let calls = 1
  let tookMs = 0
  while ((tookMs = spentMs(calls, call)) < ROUND_MS / 4) calls *= 2
  calls = Math.ceil((calls * ROUND_MS) / tookMs)
  const rounds = Array.from({ length: ROUNDS }, () => (spentMs(calls, call) * 1e6) / calls)
  return rounds.sort((left, right) => left - right)[ROUNDS >> 1]!
}

function report(name: string, call: () => number): void {
  console.log(`${name.padEnd(62)}${measure(call).toFixed(0).padStart(8)} ns`)
}

const batch = Buffer.alloc(1024, 7)
const topicId = Buffer.alloc(16, 5).toString('base64url')

function produceRow(version: number): void {
  const request = {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: 'bench-topic-1', topicId, partitionData: [{ index: 0, records: batch }] }],
  }
  const answer = {
    responses: [
      {
        name: 'bench-topic-1',
        topicId,
        partitionResponses: [{ index: 0, baseOffset: 123_456, logStartOffset: 0 }],
      },
    ],
  }
  both(produce, version, request, answer, '1 partition')
}

function fetchRow(version: number): void {
  const request = {
    maxWaitMs: 500,
    minBytes: 1,
    sessionId: 77,
    sessionEpoch: 4,
    topics: [
      {
        topic: 'bench-topic-1',
        topicId,
        partitions: [{ partition: 0, fetchOffset: 99, partitionMaxBytes: 1 << 20 }],
      },
    ],
  }
  const partition = {
    partitionIndex: 0,
    highWatermark: 99,
    lastStableOffset: 99,
    logStartOffset: 0,
    records: batch,
  }
  const answer = { sessionId: 77, responses: [{ topic: 'bench-topic-1', topicId, partitions: [partition] }] }
  both(fetch, version, request, answer, '1 partition')
}

function metadataRow(version: number): void {
  const names = Array.from({ length: 10 }, (_, index) => `bench-topic-${index}`)
  const partitions = [0, 1, 2].map((partitionIndex) => ({
    partitionIndex,
    leaderId: 1,
    leaderEpoch: 3,
    replicaNodes: [1, 2, 3],
    isrNodes: [1, 2, 3],
  }))
  const answer = {
    brokers: [1, 2, 3].map((nodeId) => ({ nodeId, host: 'broker.example', port: 9092, rack: null })),
    clusterId: topicId,
    controllerId: 1,
    topics: names.map((name) => ({ name, topicId, partitions })),
  }
  both(metadata, version, { topics: names.map((name) => ({ name })) }, answer, '10 topics of 3 partitions')
}

/** Four rows: request and response, each encoded as a frame and decoded, with the header on the side of a broker. */
function both(api: Api, version: number, request: object, response: object, what: string): void {
  const title = (part: string) => `${api.name} v${version} ${part}, ${what}`
  const requestFrame = flatten(encodeRequest(api, version, 1, 'bench', request as never))
  const responseFrame = flatten(encodeResponse(api, version, 1, response as never))
  const bodyOffset = 8 + api.responseHeaderVersion(version)
  report(title('request: encode'), () => encodeRequest(api, version, 1, 'bench', request as never).byteLength)
  report(title('request: header and decode'), () => {
    const header = decodeRequestHeader(requestFrame, 4, requestFrame.length, (key) => apis.get(key))
    const value = header.api!.request.decode(requestFrame, header.bodyOffset, requestFrame.length, version)
    return value === undefined ? 0 : header.correlationId
  })
  report(title('response: encode'), () => encodeResponse(api, version, 1, response as never).byteLength)
  report(title('response: decode'), () => {
    const value = api.response.decode(responseFrame, bodyOffset, responseFrame.length, version)
    return value === undefined ? 0 : 1
  })
}

produceRow(9)
produceRow(13)
fetchRow(12)
fetchRow(17)
metadataRow(12)
if (sink === 0.5) console.log(sink)
