// Puts load on an etcd, by gRPC without TLS, and prints what its client saw as a JSON object.
//
// usage: etcd_client PORT ready                              one linearizable read
//        etcd_client PORT read COUNT IN_FLIGHT               reads of a key that is not there
//        etcd_client PORT put COUNT IN_FLIGHT VALUE_BYTES    one call a key, keys 0, 1, ...
//        etcd_client PORT fill COUNT IN_FLIGHT VALUE_BYTES   the same, but 100 keys a call
//        etcd_client PORT list COUNT                         keys and values 0 to COUNT-1 in a call
//        etcd_client PORT compact SECONDS                    at the newest revision, and puts
//                                                            meanwhile, for SECONDS at least
//        etcd_client PORT watch WATCHES CHANGES              events of changes to one key
// Messages are written in protobuf by hand; their fields are those of etcd's rpc.proto.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS = 4,
    WINDOW_BYTES = 1 << 30,
    READ_BYTES = 256 * 1024,
    MESSAGE_BYTES_MAX = 256 * 1024,
    KEY_BYTES = 64,
    BATCH_KEYS = 100,
    PUTS_MAX = 1000000,
    PREFIX_BYTES = 5,  // of a message in gRPC: whether it is compressed, and its length
};

typedef struct {
    size_t length;
    uint8_t bytes[MESSAGE_BYTES_MAX];
} Message;

typedef enum {
    MEASURED,
    OPEN,   // a watch: more may be asked in this call, so its end is not sent
    ASIDE,  // goes on beside those that are measured
} Kind;

// One call: what it sends, and what is known of its answer.
typedef struct {
    uint8_t *request;
    size_t length, sent;
    Kind kind;
    double began;
    uint8_t prefix[PREFIX_BYTES];
    size_t prefix_length;
    uint8_t *answer;  // the message that is arriving
    size_t answer_length, answer_wanted, answer_room;
} Call;

typedef struct {
    nghttp2_session *session;
    int socket;
} Connection;

static Connection connections[CONNECTIONS];
static long done, done_aside, events, watches_open;
static double *latencies;
static long latency_count;
static int64_t revision;
static long answer_bytes;
static uint8_t value[MESSAGE_BYTES_MAX];

static void fail(const char *what) {
    fprintf(stderr, "etcd_client: %s: %s\n", what, errno ? strerror(errno) : "unexpected");
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// Protobuf

static void add_number(Message *message, uint64_t number) {
    for (; number >= 0x80; number >>= 7) message->bytes[message->length++] = (uint8_t)number | 0x80;
    message->bytes[message->length++] = (uint8_t)number;
}

static void add_integer(Message *message, int field, uint64_t number) {
    add_number(message, (uint64_t)field << 3);
    add_number(message, number);
}

static void add_bytes(Message *message, int field, const void *bytes, size_t length) {
    add_number(message, (uint64_t)field << 3 | 2);
    add_number(message, length);
    memcpy(message->bytes + message->length, bytes, length);
    message->length += length;
}

static uint64_t take_number(const uint8_t **at, const uint8_t *end) {
    uint64_t number = 0;
    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) break;
    }
    return number;
}

// The next field of a message: its number, and its integer or where its bytes are.
static int take_field(const uint8_t **at, const uint8_t *end, uint64_t *integer,
                      const uint8_t **bytes) {
    if (*at >= end) return 0;
    uint64_t tag = take_number(at, end);
    *integer = take_number(at, end);
    *bytes = *at;
    if ((tag & 7) == 2) {
        if (*integer > (uint64_t)(end - *at)) fail("a field that is cut off");
        *at += *integer;
    }
    return (int)(tag >> 3);
}

static void write_key(char *key, unsigned long number) {
    snprintf(key, KEY_BYTES + 1, "/registry/default/pods/some-namespace-of-a-team/workloa%09lu",
             number % 1000000000);
}

static void add_put(Message *message, long number, size_t value_bytes) {
    char key[KEY_BYTES + 1];
    write_key(key, (unsigned long)number);
    add_bytes(message, 1, key, KEY_BYTES);
    add_bytes(message, 2, value, value_bytes);
}

// HTTP/2 and gRPC

static ssize_t send_request(nghttp2_session *session, int32_t stream, uint8_t *buffer,
                            size_t length, uint32_t *flags, nghttp2_data_source *source,
                            void *context) {
    (void)session, (void)stream, (void)context;
    Call *call = source->ptr;
    size_t left = call->length - call->sent;
    if (left == 0 && call->kind == OPEN) return NGHTTP2_ERR_DEFERRED;
    if (left > length) left = length;
    memcpy(buffer, call->request + call->sent, left);
    call->sent += left;
    if (call->sent == call->length && call->kind != OPEN) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)left;
}

static void ask(int connection, const char *path, const Message *message, Kind kind) {
#define HEADER(name, value) \
    {(uint8_t *)(name), (uint8_t *)(value), strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE}
    nghttp2_nv headers[] = {
        HEADER(":method", "POST"), HEADER(":scheme", "http"), HEADER(":path", path),
        HEADER(":authority", "127.0.0.1"), HEADER("content-type", "application/grpc"),
        HEADER("te", "trailers"),
    };
    Call *call = calloc(1, sizeof *call);
    call->length = message->length + PREFIX_BYTES;
    call->request = malloc(call->length);
    call->request[0] = 0;
    uint32_t length = htonl((uint32_t)message->length);
    memcpy(call->request + 1, &length, sizeof length);
    memcpy(call->request + PREFIX_BYTES, message->bytes, message->length);
    call->kind = kind;
    call->began = now();
    nghttp2_data_provider body = {.source.ptr = call, .read_callback = send_request};
    if (nghttp2_submit_request(connections[connection].session, NULL, headers,
                               sizeof headers / sizeof *headers, &body, call) < 0)
        fail("a request that HTTP/2 refuses");
}

// Every answer begins with a header, whose third field is the store's revision. In those to
// watches, the third field says that a watch was created, the eleventh is an event.
static void take_answer(Call *call) {
    const uint8_t *at = call->answer, *end = at + call->answer_length, *bytes;
    uint64_t integer;
    int field;
    while ((field = take_field(&at, end, &integer, &bytes))) {
        if (call->kind == OPEN && field == 3) watches_open++;
        if (call->kind == OPEN && field == 11) events++;
        if (field != 1) continue;
        const uint8_t *header = bytes, *header_end = bytes + integer, *unused;
        uint64_t number;
        int inner;
        while ((inner = take_field(&header, header_end, &number, &unused)))
            if (inner == 3) revision = (int64_t)number;
    }
    answer_bytes = (long)call->answer_length;
}

static int receive(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                   size_t length, void *context) {
    (void)flags, (void)context;
    Call *call = nghttp2_session_get_stream_user_data(session, stream);
    while (length > 0) {
        if (call->prefix_length < PREFIX_BYTES) {
            call->prefix[call->prefix_length++] = *bytes++;
            length--;
            if (call->prefix_length < PREFIX_BYTES) continue;
            uint32_t wanted;
            memcpy(&wanted, call->prefix + 1, sizeof wanted);
            call->answer_wanted = ntohl(wanted);
            call->answer_length = 0;
            if (call->answer_wanted > call->answer_room) {
                call->answer_room = call->answer_wanted;
                call->answer = realloc(call->answer, call->answer_room);
            }
        }
        size_t part = call->answer_wanted - call->answer_length;
        if (part > length) part = length;
        memcpy(call->answer + call->answer_length, bytes, part);
        call->answer_length += part;
        bytes += part;
        length -= part;
        if (call->answer_length < call->answer_wanted) continue;
        take_answer(call);
        call->prefix_length = 0;
    }
    return 0;
}

static int see_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                      size_t name_length, const uint8_t *text, size_t length, uint8_t flags,
                      void *context) {
    (void)session, (void)frame, (void)flags, (void)context;
    static const char status[] = "grpc-status", words[] = "grpc-message";
    if (length > 0 && name_length == strlen(words) && !memcmp(name, words, name_length))
        fprintf(stderr, "etcd says: %.*s\n", (int)length, text);
    if (name_length == strlen(status) && !memcmp(name, status, name_length))
        if (length != 1 || *text != '0') {
            fprintf(stderr, "etcd_client: grpc-status %.*s\n", (int)length, text);
            exit(1);
        }
    return 0;
}

static int end(nghttp2_session *session, int32_t stream, uint32_t code, void *context) {
    (void)context;
    Call *call = nghttp2_session_get_stream_user_data(session, stream);
    if (code != 0) fail("a stream that was reset");
    if (call->kind == ASIDE) {
        done_aside++;
    } else {
        if (latencies) latencies[latency_count++] = now() - call->began;
        done++;
    }
    free(call->request);
    free(call->answer);
    free(call);
    return 0;
}

static void dial(Connection *connection, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    connection->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connection->socket < 0) fail("socket");
    if (connect(connection->socket, (void *)&address, sizeof address)) fail("connect");
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(connection->socket, F_SETFL, O_NONBLOCK);
    nghttp2_session_callbacks *callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, receive);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, see_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, end);
    nghttp2_session_client_new(&connection->session, callbacks, NULL);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_BYTES};
    nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, &window, 1);
    nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0, WINDOW_BYTES);
}

// What HTTP/2 has to send, which may be more than the socket takes at once.
static int flush(Connection *connection) {
    static const uint8_t *left[CONNECTIONS];
    static ssize_t left_length[CONNECTIONS];
    long i = connection - connections;
    for (;;) {
        if (left_length[i] == 0)
            left_length[i] = nghttp2_session_mem_send(connection->session, &left[i]);
        if (left_length[i] <= 0) return 0;
        ssize_t sent = send(connection->socket, left[i], (size_t)left_length[i], MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) return 1;
        if (sent < 0) fail("send");
        left[i] += sent;
        left_length[i] -= sent;
    }
}

static void take(Connection *connection) {
    static uint8_t buffer[READ_BYTES];
    for (;;) {
        ssize_t length = recv(connection->socket, buffer, sizeof buffer, 0);
        if (length < 0 && errno == EAGAIN) return;
        if (length <= 0) fail("etcd ended the connection");
        if (nghttp2_session_mem_recv(connection->session, buffer, (size_t)length) < 0)
            fail("HTTP/2 that makes no sense");
        if (length < (ssize_t)sizeof buffer) return;
    }
}

// Sends what there is, waits for something to arrive, and takes it.
static void turn(int count) {
    struct pollfd polled[CONNECTIONS];
    for (int i = 0; i < count; i++) {
        int is_full = flush(&connections[i]);
        polled[i] = (struct pollfd){connections[i].socket, POLLIN | (is_full ? POLLOUT : 0), 0};
    }
    errno = 0;
    if (poll(polled, (nfds_t)count, -1) < 0) fail("poll");
    for (int i = 0; i < count; i++)
        if (polled[i].revents & ~POLLOUT) take(&connections[i]);
}

// Loads

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void tell(double seconds) {
    qsort(latencies, (size_t)latency_count, sizeof *latencies, ascending);
    printf("{\"count\": %ld, \"seconds\": %.6f, \"median_us\": %.1f, \"p99_us\": %.1f, "
           "\"longest_ms\": %.3f, \"answer_bytes\": %ld}\n",
           latency_count, seconds, latencies[latency_count / 2] * 1e6,
           latencies[latency_count * 99 / 100] * 1e6, latencies[latency_count - 1] * 1e3,
           answer_bytes);
}

typedef const char *Write(Message *message, long number, size_t value_bytes);

static const char *write_put(Message *message, long number, size_t value_bytes) {
    add_put(message, number, value_bytes);
    return "/etcdserverpb.KV/Put";
}

static const char *write_read(Message *message, long number, size_t value_bytes) {
    (void)number, (void)value_bytes;
    add_bytes(message, 1, "absent", 6);
    return "/etcdserverpb.KV/Range";
}

static const char *write_batch(Message *message, long number, size_t value_bytes) {
    static Message put, operation;
    for (long i = 0; i < BATCH_KEYS; i++) {
        put.length = operation.length = 0;
        add_put(&put, number * BATCH_KEYS + i, value_bytes);
        add_bytes(&operation, 2, put.bytes, put.length);        // RequestOp.request_put
        add_bytes(message, 2, operation.bytes, operation.length);  // TxnRequest.success
    }
    return "/etcdserverpb.KV/Txn";
}

static void load(Write *write, long count, long in_flight, size_t value_bytes) {
    static Message message;
    latencies = malloc((size_t)count * sizeof *latencies);
    int used = in_flight < CONNECTIONS ? 1 : CONNECTIONS;
    double began = now();
    for (long asked = 0; done < count;) {
        for (; asked < count && asked - done < in_flight; asked++) {
            message.length = 0;
            const char *path = write(&message, asked, value_bytes);
            ask((int)(asked % used), path, &message, MEASURED);
        }
        turn(used);
    }
    tell(now() - began);
}

static void list(long count) {
    static Message message;
    char key[KEY_BYTES + 1];
    latencies = malloc(sizeof *latencies);
    write_key(key, 0);
    add_bytes(&message, 1, key, KEY_BYTES);
    write_key(key, (unsigned long)count);
    add_bytes(&message, 2, key, KEY_BYTES);
    double began = now();
    ask(0, "/etcdserverpb.KV/Range", &message, MEASURED);
    while (done < 1) turn(1);
    tell(now() - began);
}

static void compact(double seconds) {
    static Message message;
    ask(0, write_read(&message, 0, 0), &message, ASIDE);
    while (done_aside < 1) turn(1);
    message.length = 0;
    add_integer(&message, 1, (uint64_t)revision);
    add_integer(&message, 2, 1);  // it answers when everything is done
    ask(1, "/etcdserverpb.KV/Compact", &message, ASIDE);
    double began = now();
    latencies = malloc(PUTS_MAX * sizeof *latencies);
    while ((done_aside < 2 || now() - began < seconds) && latency_count < PUTS_MAX) {
        message.length = 0;
        long number = latency_count;
        ask(0, write_put(&message, number % 20000, 256), &message, MEASURED);
        while (latency_count <= number) turn(2);
    }
    if (done_aside < 2) fail("the compaction takes too long");
    tell(now() - began);
}

static void watch(long watches, long changes) {
    static Message create, request;
    add_bytes(&create, 1, "watched", 7);
    add_bytes(&request, 1, create.bytes, create.length);  // WatchRequest.create_request
    for (long i = 0; i < watches; i++)
        ask((int)(i % CONNECTIONS), "/etcdserverpb.Watch/Watch", &request, OPEN);
    while (watches_open < watches) turn(CONNECTIONS);
    double began = now();
    for (long change = 1; change <= changes; change++) {
        request.length = 0;
        add_bytes(&request, 1, "watched", 7);
        add_bytes(&request, 2, value, 256);
        ask(0, "/etcdserverpb.KV/Put", &request, MEASURED);
        while (done < change) turn(CONNECTIONS);
    }
    while (events < watches * changes) turn(CONNECTIONS);
    printf("{\"count\": %ld, \"seconds\": %.6f}\n", events, now() - began);
}

int main(int count, char **arguments) {
    if (count < 3) fail("usage: etcd_client PORT LOAD NUMBERS...");
    for (int i = 0; i < CONNECTIONS; i++) dial(&connections[i], atoi(arguments[1]));
    memset(value, 'v', sizeof value);
    long numbers[3] = {1, 1, 0};
    for (int i = 3; i < count && i < 6; i++) numbers[i - 3] = atol(arguments[i]);
    const char *name = arguments[2];
    if (!strcmp(name, "ready") || !strcmp(name, "read"))
        load(write_read, numbers[0], numbers[1], 0);
    else if (!strcmp(name, "put")) load(write_put, numbers[0], numbers[1], (size_t)numbers[2]);
    else if (!strcmp(name, "fill"))
        load(write_batch, numbers[0] / BATCH_KEYS, numbers[1], (size_t)numbers[2]);
    else if (!strcmp(name, "list")) list(numbers[0]);
    else if (!strcmp(name, "compact")) compact((double)numbers[0]);
    else if (!strcmp(name, "watch")) watch(numbers[0], numbers[1]);
    else fail("no such load");
    return 0;
}
