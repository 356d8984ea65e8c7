/* Sockets, the epoll loop, bytes to lines; the server's CPU time. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 60.0
#define READ_BYTES (1 << 20)
#define MOST_EVENTS 1024

line_handler on_line;
void (*on_open)(struct client *client);
void (*on_closed)(struct client *client);
double read_at;

static int epoll_fd = -1;
static struct client **dirty;
static int dirty_count, dirty_room;
static double progress_at;
static char buffer[READ_BYTES + 1];

double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double own_cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double server_cpu_s(void) {
    double used = 0;
    for (int i = 0; i < options.pids; i++) {
        clockid_t clock;
        struct timespec t;
        if (clock_getcpuclockid(options.pid[i], &clock) != 0 || clock_gettime(clock, &t) != 0)
            fail("no CPU time of process %d: %s", options.pid[i], strerror(errno));
        used += (double)t.tv_sec + (double)t.tv_nsec / 1e9;
    }
    return used;
}

void progress(void) { progress_at = now_s(); }

static void *grown(void *memory, size_t bytes) {
    memory = realloc(memory, bytes);
    if (memory == NULL) fail("out of memory");
    return memory;
}

struct client *new_clients(int count, int first_number) {
    struct client *clients = calloc((size_t)count, sizeof *clients);
    if (clients == NULL) fail("out of memory");
    for (int i = 0; i < count; i++) {
        clients[i].fd = -1;
        clients[i].number = first_number + i;
    }
    return clients;
}

static void watch(struct client *client, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = client};
    if (epoll_ctl(epoll_fd, operation, client->fd, &event) != 0) fail("epoll_ctl: %s", strerror(errno));
}

/* Gives the client an address of its own, or one that it shares with `per_source` clients: `source` and those after. */
static void bind_source(struct client *client) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    int one = 1;
    if (inet_pton(AF_INET, options.source, &address.sin_addr) != 1) fail("not an IPv4 address: %s", options.source);
    uint32_t place = ntohl(address.sin_addr.s_addr) + (uint32_t)(client->number / options.per_source);
    address.sin_addr.s_addr = htonl(place);
    setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(client->fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind: %s", strerror(errno));
}

void open_connection(struct client *client) {
    int port = options.port[client->number % options.ports];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1;
    if (epoll_fd < 0) epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (inet_pton(AF_INET, options.host, &address.sin_addr) != 1) fail("not an IPv4 address: %s", options.host);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0) fail("socket: %s", strerror(errno));
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    client->state = CONNECTING;
    client->in_size = client->out_size = 0;
    client->blocked = client->dirty = false;
    if (options.source != NULL) bind_source(client);
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
        fail("connect: %s", strerror(errno));
    watch(client, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

void close_connection(struct client *client, bool reset) {
    if (reset) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    if (client->tls != NULL) end_tls(client);
    close(client->fd);
    client->fd = -1;
    client->state = CLOSED;
}

void say_bytes(struct client *client, const char *data, int size) {
    if (client->out_size + size > client->out_room) {
        client->out_room = (client->out_size + size) * 2;
        client->out = grown(client->out, (size_t)client->out_room);
    }
    memcpy(client->out + client->out_size, data, (size_t)size);
    client->out_size += size;
    if (!client->dirty) {
        client->dirty = true;
        if (dirty_count == dirty_room) {
            dirty_room = dirty_room * 2 + 64;
            dirty = grown(dirty, sizeof *dirty * (size_t)dirty_room);
        }
        dirty[dirty_count++] = client;
    }
}

void say(struct client *client, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line - 2, format, arguments);
    va_end(arguments);
    memcpy(line + size, "\r\n", 2);
    say_bytes(client, line, size + 2);
}

static void flush_client(struct client *client) {
    if (client->blocked || client->fd < 0 || client->out_size == 0) return;
    ssize_t sent = send_bytes(client, client->out, (size_t)client->out_size);
    if (sent < 0 && errno != EAGAIN) fail("send of client %d: %s", client->number, strerror(errno));
    if (sent < 0) sent = 0;
    client->out_size -= (int)sent;
    if (client->out_size > 0) {
        memmove(client->out, client->out + sent, (size_t)client->out_size);
        client->blocked = true;
        watch(client, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
}

void flush_all(void) {
    for (int i = 0; i < dirty_count; i++) {
        dirty[i]->dirty = false;
        flush_client(dirty[i]);
    }
    dirty_count = 0;
}

static void handle_lines(struct client *client, char *data, size_t size) {
    char *end = data + size, *line = data;
    while (line < end) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL) break;
        char *last = stop;
        if (last > line && last[-1] == '\r') last--;
        *last = '\0';
        if (memcmp(line, "PING", 4) == 0 && last - line > 5)
            say(client, "PONG %s", line + 5);
        else
            on_line(client, line, (int)(last - line));
        line = stop + 1;
        if (client->fd < 0) return;
    }
    int left = (int)(end - line);
    if (left > client->in_room) {
        client->in_room = left + 512;
        client->in = grown(client->in, (size_t)client->in_room);
    }
    if (left > 0) memcpy(client->in, line, (size_t)left);
    client->in_size = left;
}

static void read_client(struct client *client) {
    int kept = client->in_size;
    if (kept > 0) memcpy(buffer, client->in, (size_t)kept);
    ssize_t got = receive_bytes(client, buffer + kept, (size_t)(READ_BYTES - kept));
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        if (on_closed == NULL)
            fail("the server closed the connection of client %d: %s", client->number,
                 got < 0 ? strerror(errno) : kept > 0 ? buffer : "end of file");
        on_closed(client);
        return;
    }
    read_at = now_s();
    progress_at = read_at;
    client->in_size = 0;
    handle_lines(client, buffer, (size_t)(kept + got));
}

static void go_on_shaking(struct client *client) {
    bool wants_to_write;
    if (!shake_hands(client, &wants_to_write)) {
        watch(client, EPOLL_CTL_MOD, wants_to_write ? EPOLLIN | EPOLLOUT : EPOLLIN);
        return;
    }
    progress();
    client->state = OPEN;
    watch(client, EPOLL_CTL_MOD, EPOLLIN);
    if (on_open != NULL) on_open(client);
    if (client->fd >= 0) read_client(client); /* what came with the end of the handshake is not told of again */
}

static void begin_open(struct client *client) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) fail("connect: %s", strerror(error));
    if (options.tls) {
        begin_tls(client);
        client->state = SHAKING;
    } else {
        client->state = OPEN;
        if (on_open != NULL) on_open(client);
    }
}

void turn(double until) {
    static struct epoll_event events[MOST_EVENTS];
    flush_all();
    double now = now_s();
    double wait = until > 0 ? until - now : 1.0;
    if (progress_at == 0) progress_at = now;
    struct timespec timeout = {0, 0};
    if (wait > 0) {
        timeout.tv_sec = (time_t)wait;
        timeout.tv_nsec = (long)((wait - floor(wait)) * 1e9);
    }
    int count = epoll_pwait2(epoll_fd, events, MOST_EVENTS, &timeout, NULL);
    if (count < 0 && errno != EINTR) fail("epoll: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct client *client = events[i].data.ptr;
        if (client->fd < 0) continue;
        if (client->state == CONNECTING && events[i].events & (EPOLLOUT | EPOLLERR)) begin_open(client);
        if (client->state == SHAKING) {
            go_on_shaking(client);
            continue;
        }
        if (events[i].events & EPOLLOUT) {
            watch(client, EPOLL_CTL_MOD, EPOLLIN);
            client->blocked = false;
            if (client->out_size > 0) flush_client(client);
        }
        if (events[i].events & ~(uint32_t)EPOLLOUT) read_client(client);
    }
    flush_all();
    if (now_s() - progress_at > PATIENCE_S) fail("nothing has gone on for %.0f s", PATIENCE_S);
}

void settle(void) {
    double quiet_since = now_s(), used = server_cpu_s();
    while (now_s() - quiet_since < 0.3) {
        double before = progress_at;
        turn(now_s() + 0.05);
        double now_used = server_cpu_s();
        if (progress_at != before || now_used - used > 0.003) quiet_since = now_s();
        used = now_used;
        progress();
    }
}

void begin_measure(struct measure *measure) {
    if (options.announce) {
        puts("talking");
        fflush(stdout);
    }
    measure->start_s = now_s();
    measure->own_s = own_cpu_s();
    measure->server_s = server_cpu_s();
}

void end_measure(struct measure *measure) {
    measure->server_s = server_cpu_s() - measure->server_s;
    measure->own_s = own_cpu_s() - measure->own_s;
    measure->start_s = now_s() - measure->start_s;
}

void print_result(const char *name, const struct measure *used, const char *format, ...) {
    va_list arguments;
    printf("{\"case\": \"%s\", \"server_cpu_s\": %.6f, \"own_cpu_s\": %.6f, \"elapsed_s\": %.6f, "
           "\"own_cpu_share\": %.3f, ",
           name, used->server_s, used->own_s, used->start_s, used->own_s / used->start_s);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("}\n");
}
