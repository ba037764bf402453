// Holds many watches open over HTTP/2, a hundred streams or so on each connection, and counts the
// events that arrive on them.
//
// usage: watch_streams PORT TOKEN PATH CONNECTIONS STREAMS EVENTS
// Connects to 127.0.0.1. Says "open" when every watch has brought its first event, and "done" when
// EVENTS modifications have arrived in all. The caller makes the changes, and measures.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 256, READ_BYTES = 64 * 1024, WINDOW_BYTES = 1 << 30 };

typedef struct {
    SSL *tls;
    int socket;
    nghttp2_session *session;
} Connection;

static long added, modified;

static void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static int told(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes,
                size_t length, void *connection) {
    (void)session, (void)flags, (void)stream, (void)connection;
    // Events are small, and the server sends each in a frame of its own.
    if (memmem(bytes, length, "\"ADDED\"", 7)) added++;
    if (memmem(bytes, length, "\"MODIFIED\"", 10)) modified++;
    return 0;
}

static int ended(nghttp2_session *session, int32_t stream, uint32_t code, void *connection) {
    (void)session, (void)connection;
    fprintf(stderr, "stream %d ended with code %u after %ld and %ld events\n", stream, code, added, modified);
    exit(1);
}

static int answered(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                    size_t name_length, const uint8_t *value, size_t length, uint8_t flags, void *connection) {
    (void)session, (void)frame, (void)flags, (void)connection;
    if (name_length == 7 && !memcmp(name, ":status", 7) && (length != 3 || memcmp(value, "200", 3))) {
        fprintf(stderr, "a watch was answered with %.*s\n", (int)length, value);
        exit(1);
    }
    return 0;
}

static void dial(Connection *to, SSL_CTX *context, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1;
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    to->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (to->socket < 0) fail("socket");
    setsockopt(to->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(to->socket, (void *)&address, sizeof address)) fail("connect");
    to->tls = SSL_new(context);
    SSL_set_fd(to->tls, to->socket);
    if (SSL_connect(to->tls) != 1) fail("TLS");
    fcntl(to->socket, F_SETFL, O_NONBLOCK);
}

#define FIELD(name, value) \
    {(uint8_t *)(name), (uint8_t *)(value), strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE}

static void ask(Connection *to, const char *path, const char *authorization, int streams) {
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_BYTES}, {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
    nghttp2_nv fields[] = {
        FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":authority", "127.0.0.1"),
        FIELD(":path", path), FIELD("authorization", authorization), FIELD("accept", "application/json")};
    nghttp2_submit_settings(to->session, NGHTTP2_FLAG_NONE, settings, 2);
    nghttp2_session_set_local_window_size(to->session, NGHTTP2_FLAG_NONE, 0, WINDOW_BYTES);
    for (int i = 0; i < streams; i++)
        if (nghttp2_submit_request(to->session, NULL, fields, 6, NULL, NULL) < 0) fail("request");
}

static ssize_t write_some(nghttp2_session *session, const uint8_t *bytes, size_t length, int flags, void *connection) {
    (void)session, (void)flags;
    int count = SSL_write(((Connection *)connection)->tls, bytes, (int)length);
    return count > 0 ? count : NGHTTP2_ERR_WOULDBLOCK;
}

// Reads what has come, and sends what follows.
static void serve(Connection *of) {
    static uint8_t bytes[READ_BYTES];
    int length;
    while ((length = SSL_read(of->tls, bytes, sizeof bytes)) > 0)
        if (nghttp2_session_mem_recv(of->session, bytes, length) < 0) fail("frames");
    if (SSL_get_error(of->tls, length) != SSL_ERROR_WANT_READ) fail("a connection ended");
    if (nghttp2_session_send(of->session)) fail("send");
}

static void receive(int poll) {
    struct epoll_event ready[BATCH];
    int n = epoll_wait(poll, ready, BATCH, -1);
    if (n < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < n; i++) serve(ready[i].data.ptr);
}

int main(int argc, char **argv) {
    if (argc != 7) {
        fprintf(stderr, "usage: watch_streams PORT TOKEN PATH CONNECTIONS STREAMS EVENTS\n");
        return 64;
    }
    int port = atoi(argv[1]), count = atoi(argv[4]), streams = atoi(argv[5]), poll = epoll_create1(0);
    long wanted = atol(argv[6]);
    char authorization[1024];
    snprintf(authorization, sizeof authorization, "Bearer %s", argv[2]);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    Connection *all = calloc(count, sizeof *all);
    nghttp2_session_callbacks *callbacks;
    if (!context || !all || poll < 0 || nghttp2_session_callbacks_new(&callbacks)) fail("start");
    SSL_CTX_set_alpn_protos(context, (const uint8_t *)"\x02h2", 3);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, told);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, ended);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, answered);
    nghttp2_session_callbacks_set_send_callback(callbacks, write_some);
    for (Connection *one = all; one < all + count; one++) {
        dial(one, context, port);
        if (nghttp2_session_client_new(&one->session, callbacks, one)) fail("session");
        ask(one, argv[3], authorization, streams);
        if (nghttp2_session_send(one->session)) fail("send");
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, one->socket, &event)) fail("epoll_ctl");
        // The server need not hold back its answers until all are there.
        while (added < (one - all + 1 - 8) * (long)streams) receive(poll);
    }
    while (added < (long)count * streams) receive(poll);
    puts("open");
    fflush(stdout);
    while (modified < wanted) receive(poll);
    puts("done");
    return 0;
}
