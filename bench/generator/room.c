/* Who has yet to read what: every line, once, in order. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PADDING "see you at the usual place, "
#define SENDER_DIGITS 5
#define MESSAGE_DIGITS 7
#define TEXT_SIZE ((int)sizeof PADDING - 1 + SENDER_DIGITS + 1 + MESSAGE_DIGITS)

static void *zeros(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) fail("out of memory");
    return memory;
}

void make_room(struct room *room, const char *target, struct client **member, int members, int senders, int messages) {
    room->members = members;
    room->senders = senders;
    room->messages = messages;
    room->member = member;
    room->received = 0;
    snprintf(room->target, sizeof room->target, "%s", target);
    room->expected = zeros((size_t)members * (size_t)senders, sizeof *room->expected);
    room->readers = zeros((size_t)messages * (size_t)senders, sizeof *room->readers);
    room->sent = zeros((size_t)senders, sizeof *room->sent);
    room->answered = zeros((size_t)senders, sizeof *room->answered);
    for (int i = 0; i < members; i++) member[i]->seat = i;
}

void send_message(struct room *room, int sender) {
    char line[128];
    int size = snprintf(line, sizeof line, "PRIVMSG %s :" PADDING "%0*d %0*d\r\n", room->target, SENDER_DIGITS, sender,
                        MESSAGE_DIGITS, room->sent[sender]++);
    say_bytes(room->member[sender], line, size);
}

static int number(const char *digits, int count) {
    int value = 0;
    for (int i = 0; i < count; i++) {
        unsigned digit = (unsigned)digits[i] - '0';
        if (digit > 9) return -1;
        value = value * 10 + (int)digit;
    }
    return value;
}

/* Whether the line says `:nick!...@... PRIVMSG target :` in front of its text. */
static bool is_from(const struct room *room, int sender, const char *line, const char *text) {
    const char *at = line + 1;
    size_t prefix = strlen(options.prefix), target = strlen(room->target);
    if (line[0] != ':' || memcmp(at, options.prefix, prefix) != 0) return false;
    at += prefix;
    int value = 0;
    while (*at >= '0' && *at <= '9') value = value * 10 + (*at++ - '0');
    if (*at != '!' || value != room->member[sender]->number) return false;
    const char *before = text - 2 - target;
    return before - 9 > at && memcmp(before - 9, " PRIVMSG ", 9) == 0 && memcmp(before, room->target, target) == 0 &&
           memcmp(text - 2, " :", 2) == 0;
}

int receive_message(struct room *room, struct client *client, const char *line, int size, int *message) {
    const char *text = line + size - TEXT_SIZE;
    if (size < TEXT_SIZE + 12 || memcmp(text, PADDING, sizeof PADDING - 1) != 0) {
        if (strstr(line, " PRIVMSG ") != NULL || strncmp(line, "ERROR", 5) == 0)
            fail("client %d reads a line that nobody said: %s", client->number, line);
        return -1;
    }
    int sender = number(line + size - MESSAGE_DIGITS - 1 - SENDER_DIGITS, SENDER_DIGITS);
    int found = number(line + size - MESSAGE_DIGITS, MESSAGE_DIGITS);
    if (sender < 0 || sender >= room->senders || !is_from(room, sender, line, text))
        fail("client %d reads a line that nobody said: %s", client->number, line);
    int32_t *expected = &room->expected[client->seat * room->senders + sender];
    if (found != *expected)
        fail("client %d reads message %d of sender %d where %d comes next", client->number, found, sender, *expected);
    if (client == room->member[sender]) fail("client %d reads its own message", client->number);
    ++*expected;
    room->received++;
    *message = found;
    if (++room->readers[sender * room->messages + found] == room->members - 1) room->answered[sender]++;
    return sender;
}

bool all_read(const struct room *room) {
    for (int i = 0; i < room->senders; i++)
        if (room->answered[i] < room->sent[i]) return false;
    return true;
}
