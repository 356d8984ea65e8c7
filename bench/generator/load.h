/* The load generator: many IRC clients in one thread, counting strictly what a server does with them.
 *
 * wire.c     sockets, the epoll loop, bytes to lines; the server's CPU time
 * tls.c      TLS on these sockets, if OpenSSL is there
 * clients.c  from a socket to somebody who is registered and in a room
 * room.c     who has yet to read what: every line, once, in order
 * chat.c     the cases in which people talk
 * people.c   the cases in which people come and go
 * hands.c    TLS handshakes, alone and beside talk
 * main.c     options
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MOST_SERVERS 8

struct options {
    const char *host, *prefix, *password, *source;
    /* One server, or the nodes of a cluster: their clients in turn, their CPU time together. */
    int port[MOST_SERVERS], ports, pid[MOST_SERVERS], pids;
    int per_source, tls, resumed, handshakes, announce;
    int rooms, members, senders, window, messages, pairs, clients, wave, visits, chatters, lines;
    double rate, seconds;
};
extern struct options options;

/* Ends the program with one line on stderr: a promise of the server is broken, or nothing goes on any more. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* -- wire.c -- */

enum state { CLOSED, CONNECTING, SHAKING, OPEN, REGISTERING, REGISTERED, JOINED, LEAVING };

struct client {
    int fd;
    int number;   /* its nick is the prefix and this */
    enum state state;
    bool dirty;   /* has something in `out`, and is on the list of those to be written */
    bool blocked; /* the socket takes no more for now */
    bool renick;  /* its nick was in use: to be asked for again */
    char *in;     /* an unfinished line */
    int in_size, in_room;
    char *out;
    int out_size, out_room;
    int room, seat; /* where it sits, for whoever counts; a visitor's room is -1 */
    void *tls;      /* OpenSSL's part of the connection; NULL without TLS */
    char line_target[24];
};

typedef void (*line_handler)(struct client *client, char *line, int size);
extern line_handler on_line;                   /* every line but PING, without its CR LF, ended by a NUL */
extern void (*on_open)(struct client *client);  /* the connection is there */
extern void (*on_closed)(struct client *client); /* the peer has closed it; where unset, that is a failure */
extern double read_at;                          /* when the bytes being handled were read, in seconds */

struct client *new_clients(int count, int first_number);
void open_connection(struct client *client);
void close_connection(struct client *client, bool reset);
void say(struct client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_bytes(struct client *client, const char *data, int size);
void flush_all(void);
/* Handles what comes in, at most until `until` (on the clock of now_s; 0: until something came). */
void turn(double until);
void progress(void); /* something went on: patience begins anew */
double now_s(void);
double server_cpu_s(void);
double own_cpu_s(void);
/* Waits until the server has had nothing to do for a while. */
void settle(void);

/* -- tls.c -- */

extern const bool has_tls;
void begin_tls(struct client *client);
/* Goes on with the handshake. True when it is complete; else it says what it waits for. */
bool shake_hands(struct client *client, bool *wants_to_write);
bool is_resumed(const struct client *client);
void end_tls(struct client *client);
/* As recv and send, through TLS if the client has it. */
ssize_t receive_bytes(struct client *client, char *data, size_t room);
ssize_t send_bytes(struct client *client, const char *data, size_t size);

/* -- clients.c -- */

/* Opens and registers all of them, so many at a time, each then joining `room` of the format's number unless NULL. */
void bring_in(struct client *clients, int count, void (*place)(struct client *client));
void send_registration(struct client *client);
bool is_numeric(const char *line, const char *code);
bool is_welcomed(const char *line); /* the last line of a welcome */

/* -- room.c -- */

struct room {
    int members, senders, messages; /* `messages` of each sender, at most */
    struct client **member;
    int32_t *expected;  /* [member][sender]: which of a sender's messages a member reads next */
    int32_t *readers;   /* [sender][message]: how many have read it */
    int32_t *sent;      /* by sender */
    int32_t *answered;  /* by sender */
    int64_t received;
    char target[24];
};
void make_room(struct room *room, const char *target, struct client **member, int members, int senders, int messages);
/* A message's line: `PRIVMSG target :text`, the text telling its sender and its number. */
void send_message(struct room *room, int sender);
/* A line read by a member; the message's sender, or -1 where it is another kind of line. Fails on any other message
 * than the next one of its sender. */
int receive_message(struct room *room, struct client *client, const char *line, int size, int *message);

/* -- measuring -- */

struct measure { double server_s, own_s, start_s; };
void begin_measure(struct measure *measure); /* and tells whoever wants to measure besides */
void end_measure(struct measure *measure); /* turns it into what was used since */
void print_result(const char *name, const struct measure *used, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void run_rooms(void), run_pairs(void), run_latency(void), run_paste(void);
void run_register(void), run_churn(void), run_idle(void), run_crowd(void), run_reconnect(void);

/* -- hands.c -- */

void run_handshakes(void);
/* Clients that connect, shake hands and leave, `options.handshakes` a second from now on, numbered from `first`. */
void begin_visits(int first, double seconds);
double pump_visits(void); /* begins what is due; when the next is, 0 when all have begun */
bool visits_are_over(void);

/* Room talk at random moments, shared by the cases that measure waiting. */
struct talk {
    struct room *room;
    double rate, next_s, ends_s;
    double *planned;  /* [sender][message] */
    float *waits_ms;
    int64_t waits, most_waits;
    uint64_t random;
};
void begin_talk(struct talk *talk, struct room *room, double rate, double seconds);
double pump_talk(struct talk *talk);              /* says what is due; when the next is, 0 when all is said */
void note_wait(struct talk *talk, int sender, int message);
bool all_read(const struct room *room);
double percentile_ms(struct talk *talk, double share); /* sorts */

#endif
