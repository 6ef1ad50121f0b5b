// DescribeConfigs: the configuration of topics, brokers and other resources, with where each value comes
// from.
//
//  1  oldest: source of the value, synonyms on demand (KIP-226)
//  2  throttled after the answer
//  3  + type and documentation of a key (KIP-569)
//  4  flexible
import { api } from '../api.ts'
import {
  array,
  bool,
  defaultsTo,
  int8,
  int16,
  int32,
  nullable,
  since,
  string,
  struct,
  type Value,
} from '../schema.ts'

const resourceResult = struct({
  name: string,
  value: nullable(string),
  readOnly: bool,
  configSource: defaultsTo(int8, -1),
  isSensitive: bool,
  synonyms: array({
    name: string,
    value: nullable(string),
    source: int8,
  }),
  configType: since(3, int8),
  documentation: since(3, nullable(string)),
})

export const describeConfigs = api({
  key: 32,
  name: 'DescribeConfigs',
  versions: [1, 4],
  flexible: 4,
  request: {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configurationKeys: nullable(array(string)),
    }),
    includeSynonyms: bool,
    includeDocumentation: since(3, bool),
  },
  response: {
    throttleTimeMs: int32,
    results: array({
      errorCode: int16,
      errorMessage: nullable(string),
      resourceType: int8,
      resourceName: string,
      configs: array(resourceResult),
    }),
  },
})

export type DescribeConfigsRequest = Value<typeof describeConfigs.request>
export type DescribeConfigsResponse = Value<typeof describeConfigs.response>
