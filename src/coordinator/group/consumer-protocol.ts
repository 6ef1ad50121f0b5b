// What members of classic groups of consumers tell each other: the words that the coordinator has to understand of it.
// Promises nothing of its own: the bytes are those of wire/consumer-protocol.ts, which the command line shares.
export * from '../../wire/consumer-protocol.ts'
