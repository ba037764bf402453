// Holds watches open over TLS, one connection each, and counts the events that arrive on them.
//
// usage: watchers PORT TOKEN PATH WATCHES EVENTS
// Connects to 127.0.0.1. Says "open" when every watch has brought its first event, and "done" when
// EVENTS modifications have arrived in all. The caller makes the changes, and measures.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 256, READ_BYTES = 64 * 1024 };

// Finds a word in bytes that come in pieces. The word's last byte is its first one again, and none
// between them is.
typedef struct {
    const char *word;
    size_t matched;
} Finder;

typedef struct {
    SSL *tls;
    int socket;
    Finder added, modified;
} Watch;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static long count(Finder *finder, const char *bytes, int length) {
    long found = 0;
    for (int i = 0; i < length; i++) {
        if (bytes[i] == finder->word[finder->matched]) finder->matched++;
        else finder->matched = bytes[i] == finder->word[0];
        if (finder->word[finder->matched] == 0) {
            finder->matched = 0;
            found++;
        }
    }
    return found;
}

static void dial(Watch *watch, SSL_CTX *context, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1;
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    watch->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (watch->socket < 0) fail("socket");
    setsockopt(watch->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(watch->socket, (void *)&address, sizeof address)) fail("connect");
    watch->tls = SSL_new(context);
    SSL_set_fd(watch->tls, watch->socket);
    if (SSL_connect(watch->tls) != 1) fail("TLS");
}

static void ask(Watch *watch, const char *path, const char *token) {
    char request[2048];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                          "Accept: application/json\r\n\r\n", path, token);
    if (SSL_write(watch->tls, request, length) != length) fail("write");
    fcntl(watch->socket, F_SETFL, O_NONBLOCK);
}

// Reads what has come on any watch, and adds up what it brought.
static void receive(int poll, long *added, long *modified) {
    static char bytes[READ_BYTES];
    struct epoll_event ready[BATCH];
    int n = epoll_wait(poll, ready, BATCH, -1);
    if (n < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < n; i++) {
        Watch *watch = ready[i].data.ptr;
        int length;
        while ((length = SSL_read(watch->tls, bytes, sizeof bytes)) > 0) {
            *added += count(&watch->added, bytes, length);
            *modified += count(&watch->modified, bytes, length);
        }
        if (SSL_get_error(watch->tls, length) != SSL_ERROR_WANT_READ) fail("a watch ended");
    }
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: watchers PORT TOKEN PATH WATCHES EVENTS\n");
        return 64;
    }
    int port = atoi(argv[1]), watches = atoi(argv[4]), poll = epoll_create1(0);
    long added = 0, modified = 0, wanted = atol(argv[5]);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    Watch *all = calloc(watches, sizeof *all);
    if (!context || !all || poll < 0) fail("start");
    for (Watch *watch = all; watch < all + watches; watch++) {
        *watch = (Watch){.added = {.word = "\"ADDED\""}, .modified = {.word = "\"MODIFIED\""}};
        dial(watch, context, port);
        ask(watch, argv[3], argv[2]);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, watch->socket, &event)) fail("epoll_ctl");
    }
    while (added < watches) receive(poll, &added, &modified);
    puts("open");
    fflush(stdout);
    while (modified < wanted) receive(poll, &added, &modified);
    puts("done");
    return 0;
}
