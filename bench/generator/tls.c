/* TLS for the connections, by OpenSSL. Without its headers the generator is built without TLS. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>

const bool has_tls = true;

static SSL_CTX *context;
/* The newest session that the server has given, if connections resume one. Only copies of it are used: with TLS 1.3,
 * OpenSSL uses a session once. */
static SSL_SESSION *kept;

static int keep_session(SSL *tls, SSL_SESSION *session) {
    (void)tls;
    if (kept != NULL) SSL_SESSION_free(kept);
    kept = SSL_SESSION_dup(session);
    return 0;
}

static void make_context(void) {
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) fail("no TLS: %s", ERR_error_string(ERR_get_error(), NULL));
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL); /* the client's work is not measured */
    if (options.resumed) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(context, keep_session);
    }
}

void begin_tls(struct client *client) {
    if (context == NULL) make_context();
    SSL *tls = SSL_new(context);
    if (tls == NULL || SSL_set_fd(tls, client->fd) != 1) fail("no TLS: %s", ERR_error_string(ERR_get_error(), NULL));
    if (kept != NULL) {
        SSL_SESSION *copy = SSL_SESSION_dup(kept);
        SSL_set_session(tls, copy);
        SSL_SESSION_free(copy);
    }
    SSL_set_connect_state(tls);
    client->tls = tls;
}

bool shake_hands(struct client *client, bool *wants_to_write) {
    int result = SSL_do_handshake(client->tls);
    *wants_to_write = false;
    if (result == 1) return true;
    int reason = SSL_get_error(client->tls, result);
    if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
        fail("the TLS handshake of client %d failed: %s", client->number, ERR_error_string(ERR_get_error(), NULL));
    *wants_to_write = reason == SSL_ERROR_WANT_WRITE;
    return false;
}

bool is_resumed(const struct client *client) { return client->tls != NULL && SSL_session_reused(client->tls) == 1; }

void end_tls(struct client *client) {
    SSL_free(client->tls);
    client->tls = NULL;
}

/* What SSL_read or SSL_write returned, as recv or send would say it. */
static ssize_t in_other_words(struct client *client, int result) {
    if (result > 0) return result;
    int reason = SSL_get_error(client->tls, result);
    if (reason == SSL_ERROR_ZERO_RETURN) return 0;
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) errno = EAGAIN;
    if (reason == SSL_ERROR_SSL) errno = EPROTO; /* the end of the connection without a farewell, among others */
    return -1;
}

ssize_t receive_bytes(struct client *client, char *data, size_t room) {
    size_t got = 0;
    if (client->tls == NULL) return recv(client->fd, data, room, 0);
    ERR_clear_error();
    while (got < room) { /* all records that there are: epoll does not tell of those that are decrypted already */
        ssize_t more = in_other_words(client, SSL_read(client->tls, data + got, (int)(room - got)));
        if (more <= 0) return got > 0 ? (ssize_t)got : more;
        got += (size_t)more;
    }
    return (ssize_t)got;
}

ssize_t send_bytes(struct client *client, const char *data, size_t size) {
    if (client->tls == NULL) return send(client->fd, data, size, MSG_NOSIGNAL);
    ERR_clear_error();
    return in_other_words(client, SSL_write(client->tls, data, (int)size));
}

#else

const bool has_tls = false;

void begin_tls(struct client *client) { fail("client %d: built without TLS (on Debian: libssl-dev)", client->number); }

bool shake_hands(struct client *client, bool *wants_to_write) {
    *wants_to_write = false;
    return client->tls == NULL;
}

bool is_resumed(const struct client *client) { return client->tls != NULL; }

void end_tls(struct client *client) { client->tls = NULL; }

ssize_t receive_bytes(struct client *client, char *data, size_t room) { return recv(client->fd, data, room, 0); }

ssize_t send_bytes(struct client *client, const char *data, size_t size) {
    return send(client->fd, data, size, MSG_NOSIGNAL);
}

#endif
