#pragma once
#include <string.h>
#include <time.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// Macros and variadic functions that Swift cannot import.

static inline long martlet_ssl_ctx_min_tls12(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}
static inline long martlet_ssl_ctx_mode(SSL_CTX *context) {
    return SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
                                     | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}
static inline void martlet_ssl_ctx_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION
                                 | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
}
static inline long martlet_ssl_ctx_no_cache(SSL_CTX *context) {
    return SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}
static inline long martlet_ssl_ctx_add_chain(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add1_chain_cert(context, certificate);
}
static inline long martlet_ssl_ctx_groups(SSL_CTX *context, const char *groups) {
    return SSL_CTX_set1_groups_list(context, groups);
}
static inline long martlet_ssl_server_name(SSL *ssl, const char *name) {
    return SSL_set_tlsext_host_name(ssl, (char *)name);
}
static inline long martlet_bio_memory(BIO *bio, char **bytes) {
    return BIO_get_mem_data(bio, bytes);
}
static inline EVP_PKEY *martlet_generate_p256(void) {
    return EVP_EC_gen("P-256");
}
static inline EVP_PKEY *martlet_generate_rsa(size_t bits) {
    return EVP_RSA_gen(bits);
}

// Seconds since 1970; a time that can't be read is long past.
static inline long long martlet_asn1_seconds(const ASN1_TIME *time) {
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (long long)timegm(&parts) : 0;
}

// A BIO over two windows of memory: ciphertext is read from one and written to the other,
// so an idle connection keeps no buffer of its own.

typedef struct {
    const unsigned char *input;
    size_t input_count;
    unsigned char *output;
    size_t output_count;
    size_t output_capacity;
} martlet_window;

static inline int martlet_window_read(BIO *bio, char *bytes, int count) {
    martlet_window *window = (martlet_window *)BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (window->input_count == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = (size_t)count < window->input_count ? (size_t)count : window->input_count;
    memcpy(bytes, window->input, n);
    window->input += n;
    window->input_count -= n;
    return (int)n;
}

static inline int martlet_window_write(BIO *bio, const char *bytes, int count) {
    martlet_window *window = (martlet_window *)BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t room = window->output_capacity - window->output_count;
    if (room == 0) {
        BIO_set_retry_write(bio);
        return -1;
    }
    size_t n = (size_t)count < room ? (size_t)count : room;
    memcpy(window->output + window->output_count, bytes, n);
    window->output_count += n;
    return (int)n;
}

static inline long martlet_window_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio; (void)number; (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static inline int martlet_window_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

static inline BIO_METHOD *martlet_window_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "martlet window");
    if (method == NULL) return NULL;
    BIO_meth_set_read(method, martlet_window_read);
    BIO_meth_set_write(method, martlet_window_write);
    BIO_meth_set_ctrl(method, martlet_window_control);
    BIO_meth_set_create(method, martlet_window_create);
    return method;
}

// Verifies the peer's chain, keeps the verdict in the session, and lets the handshake go on:
// who an unverified client is not, is for the layer above to say (it answers 401).
static inline int martlet_verify_softly(X509_STORE_CTX *store, void *unused) {
    (void)unused;
    if (X509_verify_cert(store) != 1 && X509_STORE_CTX_get_error(store) == X509_V_OK)
        X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
    return 1;
}
static inline void martlet_ssl_ctx_verify_softly(SSL_CTX *context) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, martlet_verify_softly, NULL);
}

// What a server speaks (ALPN), in the order in which it prefers it. HTTP: without a common protocol
// it goes on without ALPN. Members of a cluster: a stranger has no business there.
typedef struct {
    const unsigned char *names;
    unsigned int count;
    int without_agreement;
} martlet_protocols;

static const martlet_protocols martlet_http = {
    (const unsigned char *)"\x02h2\x08http/1.1", 12, SSL_TLSEXT_ERR_NOACK};
static const martlet_protocols martlet_members = {
    (const unsigned char *)"\x0emartlet-peer/1\x0emartlet-join/1", 30, SSL_TLSEXT_ERR_ALERT_FATAL};

static inline int martlet_select_alpn(SSL *ssl, const unsigned char **out,
                                      unsigned char *out_count, const unsigned char *in,
                                      unsigned int in_count, void *protocols) {
    (void)ssl;
    const martlet_protocols *ours = (const martlet_protocols *)protocols;
    if (SSL_select_next_proto((unsigned char **)out, out_count, ours->names, ours->count, in,
                              in_count) != OPENSSL_NPN_NEGOTIATED) return ours->without_agreement;
    return SSL_TLSEXT_ERR_OK;
}
static inline void martlet_ssl_ctx_serve_http(SSL_CTX *context) {
    SSL_CTX_set_alpn_select_cb(context, martlet_select_alpn, (void *)&martlet_http);
}
static inline void martlet_ssl_ctx_serve_members(SSL_CTX *context) {
    SSL_CTX_set_alpn_select_cb(context, martlet_select_alpn, (void *)&martlet_members);
}
static inline long martlet_ssl_ctx_min_tls13(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
}
