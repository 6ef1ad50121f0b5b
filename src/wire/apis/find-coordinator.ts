// FindCoordinator: which broker coordinates a group (key type 0), a transactional id (1) or a partition of a
// share group (2).
//
//  0  one group           1  + key type, error message, throttle time (KIP-98)
//  2  throttled after the answer
//  3  flexible            4  many keys at once, each with its own answer (KIP-699)
//  5  TRANSACTION_ABORTABLE may be answered (KIP-890)
//  6  key type 2, with keys like "group:topicId:partition" (KIP-932)
import { api } from '../api.ts'
import {
  array,
  between,
  int8,
  int16,
  int32,
  nullable,
  since,
  string,
  struct,
  until,
  type Value,
} from '../schema.ts'

const coordinator = struct({
  key: string,
  nodeId: int32,
  host: string,
  port: int32,
  errorCode: int16,
  errorMessage: nullable(string),
})

export const findCoordinator = api({
  key: 10,
  name: 'FindCoordinator',
  versions: [0, 6],
  flexible: 3,
  request: {
    key: until(3, string),
    keyType: since(1, int8),
    coordinatorKeys: since(4, array(string)),
  },
  response: {
    throttleTimeMs: since(1, int32),
    errorCode: until(3, int16),
    errorMessage: between(1, 3, nullable(string)),
    nodeId: until(3, int32),
    host: until(3, string),
    port: until(3, int32),
    coordinators: since(4, array(coordinator)),
  },
})

export type FindCoordinatorRequest = Value<typeof findCoordinator.request>
export type FindCoordinatorResponse = Value<typeof findCoordinator.response>
