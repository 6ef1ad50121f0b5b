// A Kafka client that costs next to nothing, so that a bench measures the broker and not its client.
// Produces prebuilt v2 batches (Produce v9, not idempotent, many in flight), fetches without a session (Fetch v12), and
// measures the latency of single records at a fixed rate. Prints one line of JSON. Any error ends it with exit code 1.
// It asks for no metadata: the one broker given leads everything.
//
//   raw-client produce --port P --topic T [--partitions 1] [--batch-bytes 16384] [--record-bytes 1024] [--acks 1]
//                      [--in-flight 32] [--bytes 1000000000] [--connections 1]
//   raw-client fetch   --port P --topic T [--partitions 1] [--max-bytes 1048576] [--bytes ..] [--connections 1]
//                      [--start-offset 0] [--end-offset -1]   (at the end offset it starts again; -1: at the log's end)
//                      [--follow 0]   (1: at the log's end it waits for more)
//   raw-client latency --port P --topic T [--record-bytes 100] [--acks 1] [--rate 1000] [--seconds 5] [--warmup 1]
//
// --acks -1 is `all`. Bytes are bytes of batches, over all connections. --host takes an IPv4 address (127.0.0.1).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define WRITE_GROUP 64

static struct {
  const char *mode, *host, *topic;
  int port, partitions, acks, in_flight, connections, rate, follow;
  long batch_bytes, record_bytes, bytes, max_bytes, start_offset, end_offset;
  double seconds, warmup;
} options = {.host = "127.0.0.1", .partitions = 1, .acks = 1, .in_flight = 32, .connections = 1, .rate = 1000,
  .batch_bytes = 16384, .record_bytes = 1024, .bytes = 1000000000, .max_bytes = 1048576, .end_offset = -1,
  .seconds = 5, .warmup = 1};

static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "raw-client: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  exit(1);
}

static void *allocate(size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL) fail("out of memory (%zu bytes)", size);
  return memory;
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// ---- bytes ----

typedef struct { uint8_t *bytes; size_t length, capacity; } Buffer;

static void put(Buffer *b, const void *bytes, size_t length) {
  if (b->length + length > b->capacity) {
    b->capacity = (b->length + length) * 2 + 64;
    b->bytes = realloc(b->bytes, b->capacity);
    if (b->bytes == NULL) fail("out of memory");
  }
  memcpy(b->bytes + b->length, bytes, length);
  b->length += length;
}

static void put_int(Buffer *b, int64_t value, int size) {
  uint8_t bytes[8];
  for (int i = 0; i < size; i++) bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
  put(b, bytes, size);
}

static void put_uvarint(Buffer *b, uint64_t value) {
  while (value >= 0x80) { put_int(b, (value & 0x7f) | 0x80, 1); value >>= 7; }
  put_int(b, value, 1);
}

static void put_varint(Buffer *b, int64_t value) { put_uvarint(b, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63)); }

static void put_compact_string(Buffer *b, const char *text) {
  put_uvarint(b, strlen(text) + 1);
  put(b, text, strlen(text));
}

static int64_t get_int(const uint8_t *bytes, int size) {
  int64_t value = (int8_t)bytes[0];
  for (int i = 1; i < size; i++) value = (value << 8) | bytes[i];
  return value;
}

static void set_int32(uint8_t *bytes, uint32_t value) {
  for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

typedef struct { const uint8_t *at, *end; } Reader;

static const uint8_t *take(Reader *r, size_t length) {
  if (length > (size_t)(r->end - r->at)) fail("a response is shorter than its fields");
  const uint8_t *bytes = r->at;
  r->at += length;
  return bytes;
}

static int64_t read_int(Reader *r, int size) { return get_int(take(r, size), size); }

static uint64_t read_uvarint(Reader *r) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    uint8_t byte = *take(r, 1);
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  fail("a varint of a response is too long");
  return 0;
}

static void skip_compact_bytes(Reader *r) {
  uint64_t length = read_uvarint(r);
  if (length > 1) take(r, length - 1);
}

static void skip_tags(Reader *r) {
  for (uint64_t count = read_uvarint(r); count > 0; count--) {
    read_uvarint(r);
    take(r, read_uvarint(r));
  }
}

static uint32_t crc_table[256];

static void crc32c_prepare(void) {
  for (int i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
    crc_table[i] = crc;
  }
}

static uint32_t crc32c(const uint8_t *bytes, size_t length) {
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < length; i++) crc = crc_table[(crc ^ bytes[i]) & 0xff] ^ (crc >> 8);
  return ~crc;
}

// ---- batches ----

static void put_record(Buffer *batch, int offset_delta, size_t value_bytes) {
  Buffer record = {0};
  put_int(&record, 0, 1);               // attributes
  put_varint(&record, 0);               // timestamp delta
  put_varint(&record, offset_delta);
  put_varint(&record, -1);              // no key
  put_varint(&record, (int64_t)value_bytes);
  uint8_t *value = allocate(value_bytes + 1);
  for (size_t i = 0; i < value_bytes; i++) value[i] = 'A' + rand() % 26;
  put(&record, value, value_bytes);
  put_varint(&record, 0);               // no headers
  put_varint(batch, (int64_t)record.length);
  put(batch, record.bytes, record.length);
  free(value);
  free(record.bytes);
}

// A valid v2 batch of as nearly `batch_bytes` as records of `record_bytes` allow (the last one takes up the rest).
static Buffer build_batch(size_t batch_bytes, size_t record_bytes, int *record_count) {
  Buffer b = {0};
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  int64_t timestamp = t.tv_sec * 1000LL + t.tv_nsec / 1000000;
  put_int(&b, 0, 8);                    // base offset: the broker sets it
  put_int(&b, 0, 4);                    // length, below
  put_int(&b, -1, 4);                   // partition leader epoch
  put_int(&b, 2, 1);                    // magic
  put_int(&b, 0, 4);                    // CRC-32C, below
  put_int(&b, 0, 2);                    // attributes: CreateTime, not compressed
  put_int(&b, 0, 4);                    // last offset delta, below
  put_int(&b, timestamp, 8);
  put_int(&b, timestamp, 8);
  put_int(&b, -1, 8);                   // producer id, epoch, sequence: none
  put_int(&b, -1, 2);
  put_int(&b, -1, 4);
  put_int(&b, 0, 4);                    // count, below
  const size_t overhead = 12;           // most that a record costs beside its value at these sizes
  int count = 0;
  while (batch_bytes == 0 ? count == 0 : b.length + overhead + 1 < batch_bytes) {
    size_t left = batch_bytes > b.length ? batch_bytes - b.length : 0;
    int is_last = batch_bytes != 0 && left < 2 * (record_bytes + overhead);
    size_t value_bytes = record_bytes;
    if (is_last) {
      value_bytes = left > overhead ? left - overhead : 1;
      put_record(&b, count++, value_bytes);
      break;
    }
    put_record(&b, count++, value_bytes);
  }
  if (count == 0) put_record(&b, count++, record_bytes);
  set_int32(b.bytes + 8, (uint32_t)(b.length - 12));
  set_int32(b.bytes + 23, (uint32_t)(count - 1));
  set_int32(b.bytes + 57, (uint32_t)count);
  set_int32(b.bytes + 17, crc32c(b.bytes + 21, b.length - 21));
  *record_count = count;
  return b;
}

// ---- a connection ----

typedef struct {
  int socket;
  uint32_t next_correlation, next_answer;
  Buffer in;                            // what was received and not yet parsed: in.bytes[parsed .. in.length)
  size_t parsed;
  long bytes, records, requests, quota;
  int64_t started, ended;
  double *latency_us;                   // one per request, when the mode wants it
  long latencies;
} Connection;

static void open_connection(Connection *c) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
  if (inet_pton(AF_INET, options.host, &address.sin_addr) != 1) fail("--host must be an IPv4 address, not %s", options.host);
  c->socket = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(c->socket, (struct sockaddr *)&address, sizeof address) != 0)
    fail("cannot connect to %s:%d: %s", options.host, options.port, strerror(errno));
  int on = 1;
  setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  c->in.capacity = 4 << 20;
  c->in.bytes = allocate(c->in.capacity);
}

static void send_all(Connection *c, struct iovec *vector, int count) {
  while (count > 0) {
    ssize_t sent = writev(c->socket, vector, count);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) fail("cannot send: %s", strerror(errno));
    while (count > 0 && (size_t)sent >= vector->iov_len) { sent -= vector->iov_len; vector++; count--; }
    if (count > 0) { vector->iov_base = (uint8_t *)vector->iov_base + sent; vector->iov_len -= sent; }
  }
}

// Receives once. Makes room first, so that one frame always fits in one piece.
static int receive(Connection *c, int flags) {
  if (c->parsed == c->in.length) c->parsed = c->in.length = 0;
  size_t have = c->in.length - c->parsed;
  size_t need = have >= 4 ? 4 + (size_t)get_int(c->in.bytes + c->parsed, 4) : 4;
  if (need > (256u << 20)) fail("a response of %zu bytes", need);
  if (need > c->in.capacity) {
    c->in.capacity = need + (1 << 20);
    c->in.bytes = realloc(c->in.bytes, c->in.capacity);
    if (c->in.bytes == NULL) fail("out of memory");
  }
  if (c->parsed + need > c->in.capacity || c->in.length == c->in.capacity) {
    memmove(c->in.bytes, c->in.bytes + c->parsed, have);
    c->parsed = 0;
    c->in.length = have;
  }
  ssize_t received = recv(c->socket, c->in.bytes + c->in.length, c->in.capacity - c->in.length, flags);
  if (received < 0 && (errno == EINTR || errno == EAGAIN)) return 0;
  if (received < 0) fail("cannot receive: %s", strerror(errno));
  if (received == 0) fail("the broker closed the connection after %ld answers", c->requests);
  c->in.length += received;
  return 1;
}

// Takes the next whole response off the connection: its body, past header v1. False if it is not all here.
static int next_response(Connection *c, Reader *body) {
  size_t have = c->in.length - c->parsed;
  if (have < 4) return 0;
  size_t size = (size_t)get_int(c->in.bytes + c->parsed, 4);
  if (have < 4 + size) return 0;
  body->at = c->in.bytes + c->parsed + 4;
  body->end = body->at + size;
  c->parsed += 4 + size;
  uint32_t correlation = (uint32_t)read_int(body, 4);
  if (correlation != c->next_answer++) fail("answer %u came where %u was due", correlation, c->next_answer - 1);
  skip_tags(body);
  c->requests++;
  return 1;
}

static void put_request_header(Buffer *b, int api, int version) {
  put_int(b, 0, 4);                     // size, set later
  put_int(b, api, 2);
  put_int(b, version, 2);
  put_int(b, 0, 4);                     // correlation id at byte 8, set for each request
  put_int(b, 3, 2);
  put(b, "raw", 3);
  put_int(b, 0, 1);                     // no tags
}

// ---- produce ----

// One request with a batch for every partition; only bytes 8..11 differ from request to request.
static Buffer build_produce(const Buffer *batch) {
  Buffer b = {0};
  put_request_header(&b, 0, 9);
  put_uvarint(&b, 0);                   // no transactional id
  put_int(&b, options.acks, 2);
  put_int(&b, 30000, 4);
  put_uvarint(&b, 2);
  put_compact_string(&b, options.topic);
  put_uvarint(&b, (uint64_t)options.partitions + 1);
  for (int partition = 0; partition < options.partitions; partition++) {
    put_int(&b, partition, 4);
    put_uvarint(&b, batch->length + 1);
    put(&b, batch->bytes, batch->length);
    put_uvarint(&b, 0);
  }
  put_uvarint(&b, 0);
  put_uvarint(&b, 0);
  set_int32(b.bytes, (uint32_t)(b.length - 4));
  return b;
}

static void check_produce(Reader *r) {
  for (uint64_t topics = read_uvarint(r); topics > 1; topics--) {
    skip_compact_bytes(r);
    for (uint64_t partitions = read_uvarint(r); partitions > 1; partitions--) {
      int64_t partition = read_int(r, 4), error = read_int(r, 2);
      if (error != 0) fail("Produce to %s-%ld was answered with error code %ld", options.topic, (long)partition, (long)error);
      take(r, 24);                      // base offset, append time, log start offset
      for (uint64_t errors = read_uvarint(r); errors > 1; errors--) { take(r, 4); skip_compact_bytes(r); skip_tags(r); }
      skip_compact_bytes(r);
      skip_tags(r);
    }
    skip_tags(r);
  }
}

static void *run_produce(void *argument) {
  Connection *c = argument;
  int records;
  Buffer batch = build_batch(options.batch_bytes, options.record_bytes, &records);
  Buffer request = build_produce(&batch);
  long requests = (c->quota + (long)batch.length * options.partitions - 1) / ((long)batch.length * options.partitions);
  const size_t head = 12;               // size .. correlation id: every request in a group needs its own
  uint8_t (*heads)[12] = allocate(WRITE_GROUP * head);
  int64_t *sent_at = allocate(sizeof *sent_at * options.in_flight);
  struct iovec vector[2 * WRITE_GROUP];
  c->latency_us = allocate(sizeof *c->latency_us * requests);
  c->started = now_ns();
  while (c->requests < requests) {
    while ((long)c->next_correlation < requests && c->next_correlation - c->next_answer < (uint32_t)options.in_flight) {
      int group = 0;
      while (group < WRITE_GROUP && (long)c->next_correlation < requests &&
             c->next_correlation - c->next_answer < (uint32_t)options.in_flight) {
        memcpy(heads[group], request.bytes, head);
        set_int32(heads[group] + 8, c->next_correlation);
        vector[2 * group] = (struct iovec){heads[group], head};
        vector[2 * group + 1] = (struct iovec){request.bytes + head, request.length - head};
        sent_at[c->next_correlation++ % options.in_flight] = 0;
        group++;
      }
      int64_t now = now_ns();
      for (int i = 0; i < group; i++) sent_at[(c->next_correlation - 1 - i) % options.in_flight] = now;
      send_all(c, vector, 2 * group);
    }
    receive(c, 0);
    Reader body;
    int64_t now = now_ns();
    while (next_response(c, &body)) {
      check_produce(&body);
      c->latency_us[c->latencies++] = (now - sent_at[(c->next_answer - 1) % options.in_flight]) / 1e3;
      c->bytes += batch.length * options.partitions;
      c->records += (long)records * options.partitions;
    }
  }
  c->ended = now_ns();
  return NULL;
}

// ---- fetch ----

static Buffer build_fetch(const int64_t *offsets) {
  Buffer b = {0};
  put_request_header(&b, 1, 12);
  put_int(&b, -1, 4);                   // a consumer
  put_int(&b, 500, 4);                  // max wait
  put_int(&b, 1, 4);                    // min bytes
  put_int(&b, 55 << 20, 4);             // max bytes
  put_int(&b, 0, 1);                    // read uncommitted
  put_int(&b, 0, 4);                    // no session
  put_int(&b, -1, 4);
  put_uvarint(&b, 2);
  put_compact_string(&b, options.topic);
  put_uvarint(&b, (uint64_t)options.partitions + 1);
  for (int partition = 0; partition < options.partitions; partition++) {
    put_int(&b, partition, 4);
    put_int(&b, -1, 4);                 // leader epoch unknown
    put_int(&b, offsets[partition], 8);
    put_int(&b, -1, 4);
    put_int(&b, -1, 8);
    put_int(&b, options.max_bytes, 4);
    put_uvarint(&b, 0);
  }
  put_uvarint(&b, 0);
  put_uvarint(&b, 1);                   // nothing forgotten
  put_compact_string(&b, "");           // no rack
  put_uvarint(&b, 0);
  set_int32(b.bytes, (uint32_t)(b.length - 4));
  return b;
}

// Walks the headers of the whole batches in `bytes`, moves `offset` past them, and returns their size.
static size_t walk_batches(Connection *c, const uint8_t *bytes, size_t length, int64_t *offset) {
  size_t at = 0;
  while (at + 61 <= length) {
    const uint8_t *batch = bytes + at;
    size_t size = 12 + (size_t)get_int(batch + 8, 4);
    if (at + size > length) break;
    if (batch[16] != 2) fail("a batch at offset %ld has magic %d", (long)*offset, batch[16]);
    int64_t last = get_int(batch, 8) + get_int(batch + 23, 4);
    if (last < *offset) fail("asked for offset %ld and got a batch that ends at %ld", (long)*offset, (long)last);
    *offset = last + 1;
    c->records += get_int(batch + 57, 4);
    at += size;
  }
  return at;
}

static long take_fetch(Connection *c, Reader *r, int64_t *offsets) {
  long bytes = 0;
  take(r, 4);                           // throttle time
  int64_t error = read_int(r, 2);
  if (error != 0) fail("Fetch was answered with error code %ld", (long)error);
  take(r, 4);                           // session id
  for (uint64_t topics = read_uvarint(r); topics > 1; topics--) {
    skip_compact_bytes(r);
    for (uint64_t partitions = read_uvarint(r); partitions > 1; partitions--) {
      int64_t partition = read_int(r, 4);
      error = read_int(r, 2);
      if (error != 0) fail("Fetch of %s-%ld was answered with error code %ld", options.topic, (long)partition, (long)error);
      if (partition < 0 || partition >= options.partitions) fail("Fetch answered for partition %ld", (long)partition);
      take(r, 24);                      // high watermark, last stable offset, log start offset
      for (uint64_t aborted = read_uvarint(r); aborted > 1; aborted--) { take(r, 16); skip_tags(r); }
      take(r, 4);                       // preferred read replica
      uint64_t length = read_uvarint(r);
      if (length > 1) bytes += walk_batches(c, take(r, length - 1), length - 1, &offsets[partition]);
      skip_tags(r);
    }
    skip_tags(r);
  }
  return bytes;
}

static void *run_fetch(void *argument) {
  Connection *c = argument;
  int64_t *offsets = allocate(sizeof *offsets * options.partitions);
  for (int i = 0; i < options.partitions; i++) offsets[i] = options.start_offset;
  int empty = 0;
  c->started = now_ns();
  while (c->bytes < c->quota) {
    Buffer request = build_fetch(offsets);
    set_int32(request.bytes + 8, c->next_correlation++);
    struct iovec vector = {request.bytes, request.length};
    send_all(c, &vector, 1);
    free(request.bytes);
    Reader body;
    while (!next_response(c, &body)) receive(c, 0);
    long bytes = take_fetch(c, &body, offsets);
    c->bytes += bytes;
    empty = bytes == 0 ? empty + 1 : 0;
    int is_at_end = options.end_offset >= 0;
    for (int i = 0; i < options.partitions; i++) is_at_end = is_at_end && offsets[i] >= options.end_offset;
    if (options.follow) is_at_end = 0;
    if (is_at_end || (empty > 0 && options.end_offset < 0 && !options.follow)) {
      for (int i = 0; i < options.partitions; i++) offsets[i] = options.start_offset;
    }
    if (empty > (options.follow ? 20 : 3)) fail("%d fetches in a row brought nothing (partition 0 is at offset %ld)", empty, (long)offsets[0]);
  }
  c->ended = now_ns();
  return NULL;
}

// ---- latency ----

// An open loop: requests leave at their time whether or not earlier ones were answered, so a slow broker cannot slow the
// clock that judges it. A request's latency counts from its own send() to the receipt of its answer; one that had to wait
// because too many were unanswered counts from when it was due. (Without that bound both sides could wait for the other
// to read.)
#define MOST_UNANSWERED 1000

static void *run_latency(void *argument) {
  Connection *c = argument;
  int records;
  Buffer batch = build_batch(0, options.record_bytes, &records);
  Buffer request = build_produce(&batch);
  double interval_ns = 1e9 / options.rate;
  long total = (long)(options.rate * (options.seconds + options.warmup)), warm = (long)(options.rate * options.warmup);
  int64_t *sent_at = allocate(sizeof *sent_at * total);
  c->latency_us = allocate(sizeof *c->latency_us * total);
  prctl(PR_SET_TIMERSLACK, 1);
  int is_held_back = 0;
  c->started = now_ns();
  while (c->requests < total) {
    int64_t now = now_ns();
    int64_t due = c->started + (int64_t)(c->next_correlation * interval_ns);
    int is_full = c->next_correlation - c->next_answer >= MOST_UNANSWERED;
    if (is_full) is_held_back = 1;
    if ((long)c->next_correlation < total && now >= due && !is_full) {
      // Once behind, every request is late until the schedule is caught up with.
      if (now - due < interval_ns) is_held_back = 0;
      set_int32(request.bytes + 8, c->next_correlation);
      struct iovec vector = {request.bytes, request.length};
      sent_at[c->next_correlation++] = is_held_back ? due : now;
      send_all(c, &vector, 1);
      continue;
    }
    struct timespec wait = {.tv_sec = 1};
    if ((long)c->next_correlation < total && !is_full) {
      wait.tv_sec = (due - now) / 1000000000;
      wait.tv_nsec = (due - now) % 1000000000;
    }
    struct pollfd readable = {.fd = c->socket, .events = POLLIN};
    if (ppoll(&readable, 1, &wait, NULL) <= 0 || !receive(c, MSG_DONTWAIT)) continue;
    now = now_ns();
    Reader body;
    while (next_response(c, &body)) {
      check_produce(&body);
      if (c->requests > warm) c->latency_us[c->latencies++] = (now - sent_at[c->next_answer - 1]) / 1e3;
      c->bytes += batch.length;
      c->records += records;
    }
  }
  c->ended = now_ns();
  return NULL;
}

// ---- the command ----

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void print_result(Connection *connections) {
  Connection sum = {.started = connections[0].started};
  for (int i = 0; i < options.connections; i++) {
    Connection *c = &connections[i];
    sum.bytes += c->bytes;
    sum.records += c->records;
    sum.requests += c->requests;
    sum.latencies += c->latencies;
    if (c->started < sum.started) sum.started = c->started;
    if (c->ended > sum.ended) sum.ended = c->ended;
  }
  double seconds = (sum.ended - sum.started) / 1e9;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  printf("{\"mode\":\"%s\",\"bytes\":%ld,\"records\":%ld,\"requests\":%ld,\"seconds\":%.6f,\"megabytesPerSecond\":%.3f,"
         "\"clientCpuSeconds\":%.3f", options.mode, sum.bytes, sum.records, sum.requests, seconds,
         sum.bytes / 1e6 / seconds, cpu);
  if (sum.latencies > 0) {
    double *all = allocate(sizeof *all * sum.latencies), total = 0;
    long n = 0;
    for (int i = 0; i < options.connections; i++)
      for (long j = 0; j < connections[i].latencies; j++) total += all[n++] = connections[i].latency_us[j];
    qsort(all, n, sizeof *all, compare_doubles);
    printf(",\"latencyUs\":{\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}", total / n,
           all[n / 2], all[n * 9 / 10], all[n * 99 / 100], all[n * 999 / 1000], all[n - 1]);
  }
  printf("}\n");
}

static void read_options(int count, char **words) {
  if (count < 2) fail("usage: raw-client produce|fetch|latency --port P --topic T [options]; see the head of its source");
  options.mode = words[1];
  for (int i = 2; i < count; i += 2) {
    const char *name = words[i], *value = i + 1 < count ? words[i + 1] : NULL;
    if (value == NULL) fail("%s needs a value", name);
    if (!strcmp(name, "--host")) options.host = value;
    else if (!strcmp(name, "--topic")) options.topic = value;
    else if (!strcmp(name, "--port")) options.port = atoi(value);
    else if (!strcmp(name, "--partitions")) options.partitions = atoi(value);
    else if (!strcmp(name, "--acks")) options.acks = atoi(value);
    else if (!strcmp(name, "--in-flight")) options.in_flight = atoi(value);
    else if (!strcmp(name, "--connections")) options.connections = atoi(value);
    else if (!strcmp(name, "--follow")) options.follow = atoi(value);
    else if (!strcmp(name, "--rate")) options.rate = atoi(value);
    else if (!strcmp(name, "--batch-bytes")) options.batch_bytes = atol(value);
    else if (!strcmp(name, "--record-bytes")) options.record_bytes = atol(value);
    else if (!strcmp(name, "--bytes")) options.bytes = atol(value);
    else if (!strcmp(name, "--max-bytes")) options.max_bytes = atol(value);
    else if (!strcmp(name, "--start-offset")) options.start_offset = atol(value);
    else if (!strcmp(name, "--end-offset")) options.end_offset = atol(value);
    else if (!strcmp(name, "--seconds")) options.seconds = atof(value);
    else if (!strcmp(name, "--warmup")) options.warmup = atof(value);
    else fail("unknown option %s", name);
  }
  if (options.port <= 0 || options.topic == NULL) fail("--port and --topic are needed");
  if (options.partitions < 1 || options.in_flight < 1 || options.connections < 1 || options.rate < 1)
    fail("--partitions, --in-flight, --connections and --rate must be at least 1");
  if (strlen(options.topic) > 249) fail("--topic is too long");
  if (options.acks != 1 && options.acks != -1) fail("--acks must be 1 or -1");
}

int main(int count, char **words) {
  read_options(count, words);
  crc32c_prepare();
  void *(*run)(void *) = !strcmp(options.mode, "produce") ? run_produce
    : !strcmp(options.mode, "fetch") ? run_fetch
    : !strcmp(options.mode, "latency") ? run_latency : NULL;
  if (run == NULL) fail("the mode must be produce, fetch or latency, not %s", options.mode);
  if (run == run_latency) options.connections = options.partitions = 1;
  Connection *connections = allocate(sizeof *connections * options.connections);
  pthread_t *threads = allocate(sizeof *threads * options.connections);
  for (int i = 0; i < options.connections; i++) {
    connections[i].quota = options.bytes / options.connections;
    open_connection(&connections[i]);
  }
  for (int i = 1; i < options.connections; i++)
    if (pthread_create(&threads[i], NULL, run, &connections[i]) != 0) fail("cannot start a thread");
  run(&connections[0]);
  for (int i = 1; i < options.connections; i++) pthread_join(threads[i], NULL);
  print_result(connections);
  return 0;
}
