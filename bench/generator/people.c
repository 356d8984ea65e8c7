/* The cases in which people come and go. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct client *people;
static int begun, done, wanted;

static void ignore_line(struct client *client, char *line, int size) {
    (void)size;
    if (strncmp(line, "ERROR", 5) == 0) fail("client %d: %s", client->number, line);
}

/* -- registering -- */

static int opened;
static void count_open(struct client *client) { (void)client, opened++; }

static void line_of_registering(struct client *client, char *line, int size) {
    ignore_line(client, line, size);
    if (is_numeric(line, "433")) fail("client %d: %s", client->number, line);
    if (client->state != REGISTERING || !is_welcomed(line)) return;
    client->state = REGISTERED;
    done++;
    if (begun < wanted) send_registration(&people[begun++]);
}

void run_register(void) {
    struct measure used;
    people = new_clients(options.clients, 0);
    wanted = options.clients;
    on_line = ignore_line;
    on_open = count_open;
    for (int i = 0; i < wanted; i++) {
        open_connection(&people[i]);
        while (opened < i - 100) turn(0);
    }
    while (opened < wanted) turn(0);
    settle();
    on_line = line_of_registering;
    begin_measure(&used);
    while (begun < options.wave && begun < wanted) send_registration(&people[begun++]);
    while (done < wanted) turn(0);
    end_measure(&used);
    print_result("register", &used, "\"registrations\": %d, \"us_per_registration\": %.3f", wanted,
                 used.server_s * 1e6 / wanted);
}

/* -- coming, joining and leaving -- */

static void begin_visit(void) {
    if (begun < wanted) open_connection(&people[begun++]);
}

static void line_of_visit(struct client *client, char *line, int size) {
    (void)size;
    if (client->state == REGISTERING && is_welcomed(line)) {
        client->state = REGISTERED;
        say(client, "JOIN #churn");
    } else if (client->state == REGISTERED && is_numeric(line, "366")) {
        client->state = LEAVING;
        say(client, "QUIT :bye");
    } else if (client->state < LEAVING && (strncmp(line, "ERROR", 5) == 0 || is_numeric(line, "433"))) {
        fail("client %d: %s", client->number, line);
    }
}

static void end_of_visit(struct client *client) {
    if (client->state != LEAVING) fail("the server closed the connection of client %d", client->number);
    close_connection(client, false);
    done++;
    begin_visit();
}

void run_churn(void) {
    struct measure used;
    people = new_clients(options.clients, 0);
    wanted = options.clients;
    on_open = send_registration;
    on_line = line_of_visit;
    on_closed = end_of_visit;
    begin_measure(&used);
    for (int i = 0; i < options.wave; i++) begin_visit();
    while (done < wanted) turn(0);
    end_measure(&used);
    print_result("churn", &used, "\"visits\": %d, \"us_per_visit\": %.3f", wanted, used.server_s * 1e6 / wanted);
}

/* -- being there -- */

static long server_memory_kb(void) {
    char path[64], line[256];
    long value = -1;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", options.pid[0]);
    FILE *file = fopen(path, "r");
    if (file == NULL) fail("cannot read %s", path);
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "Rss: %ld kB", &value) == 1) break;
    fclose(file);
    return value;
}

void run_idle(void) {
    struct measure used;
    struct client *first = new_clients(1, options.clients); /* what the very first one costs is not each one's */
    people = new_clients(options.clients, 0);
    bring_in(first, 1, NULL);
    long before = server_memory_kb();
    begin_measure(&used);
    bring_in(people, options.clients, NULL);
    end_measure(&used);
    long after = server_memory_kb();
    print_result("idle", &used, "\"rss_before_kb\": %ld, \"rss_after_kb\": %ld, \"kb_per_connection\": %.3f", before,
                 after, (double)(after - before) / options.clients);
}

/* -- a crowd that others walk through -- */

static struct client *crowd;
static uint8_t *seen; /* [member][visitor]: how many lines of the visitor the member has read */

static void place_in_crowd(struct client *client) {
    client->room = 0;
    snprintf(client->line_target, sizeof client->line_target, "#crowd");
}

static void place_outside(struct client *client) { client->room = 1; }

static void visitor_line(struct client *member, const char *line) {
    char verb[8];
    int number;
    char pattern[64];
    snprintf(pattern, sizeof pattern, ":%s%%d!%%*s %%7s", options.prefix);
    if (sscanf(line, pattern, &number, verb) != 2) return;
    int visitor = number - options.members;
    if (visitor < 0 || visitor >= wanted) return;
    uint8_t *state = &seen[(int64_t)member->number * wanted + visitor];
    if (strcmp(verb, *state == 0 ? "JOIN" : "PART") != 0 || *state > 1)
        fail("client %d reads as line %d of visitor %d: %s", member->number, *state, visitor, line);
    if (++*state == 2) done++;
}

static void line_in_crowd(struct client *client, char *line, int size) {
    ignore_line(client, line, size);
    if (client->room == 0) {
        visitor_line(client, line);
    } else if (client->state == REGISTERED && is_numeric(line, "366")) {
        client->state = LEAVING;
        say(client, "PART #crowd");
    } else if (client->state == LEAVING) {
        char own[64];
        int length = snprintf(own, sizeof own, ":%s%d!", options.prefix, client->number);
        if (strncmp(line, own, (size_t)length) == 0 && (strstr(line, " PART #crowd") != NULL || strstr(line, " PART :#crowd") != NULL)) {
            client->state = REGISTERED;
            if (begun < wanted) say(&people[begun++], "JOIN #crowd");
        }
    }
}

void run_crowd(void) {
    struct measure used;
    wanted = options.visits;
    crowd = new_clients(options.members, 0);
    people = new_clients(wanted, options.members);
    bring_in(crowd, options.members, place_in_crowd);
    bring_in(people, wanted, place_outside);
    seen = calloc((size_t)options.members * (size_t)wanted, 1);
    if (seen == NULL) fail("out of memory");
    on_line = line_in_crowd;
    done = 0;
    begin_measure(&used);
    while (begun < options.wave && begun < wanted) say(&people[begun++], "JOIN #crowd");
    while (done < options.members * wanted) turn(0);
    end_measure(&used);
    settle();
    print_result("crowd", &used, "\"visits\": %d, \"us_per_visit\": %.3f, \"us_per_delivered\": %.4f", wanted,
                 used.server_s * 1e6 / wanted, used.server_s * 1e6 / wanted / options.members / 2);
}

/* -- everybody coming back at once -- */

static struct talk talk;
static struct room chatting;

static void place_chatter(struct client *client) {
    client->room = 1;
    snprintf(client->line_target, sizeof client->line_target, "#chat");
}

static void line_of_return(struct client *client, char *line, int size) {
    int message;
    if (client->room == 1) {
        int sender = receive_message(&chatting, client, line, size, &message);
        if (sender >= 0) note_wait(&talk, sender, message);
        return;
    }
    ignore_line(client, line, size);
    if (client->state == REGISTERING && is_numeric(line, "433")) {
        client->renick = true;
    } else if (client->state == REGISTERING && is_welcomed(line)) {
        client->state = REGISTERED;
        say(client, "JOIN #crowd");
    } else if (client->state == REGISTERED && is_numeric(line, "366")) {
        client->state = JOINED;
        done++;
    }
}

static void ask_again(void) {
    for (int i = 0; i < options.members; i++)
        if (people[i].renick) {
            people[i].renick = false;
            say(&people[i], "NICK %s%d", options.prefix, people[i].number);
        }
}

void run_reconnect(void) {
    struct measure used;
    struct client *chatters = new_clients(options.chatters, options.members);
    struct client **member = calloc((size_t)options.chatters, sizeof *member);
    people = new_clients(options.members, 0);
    bring_in(people, options.members, place_in_crowd);
    bring_in(chatters, options.chatters, place_chatter);
    if (member == NULL) fail("out of memory");
    for (int i = 0; i < options.chatters; i++) member[i] = &chatters[i];
    make_room(&chatting, "#chat", member, options.chatters, options.chatters, (int)(options.rate * 120) + 1000);
    on_line = line_of_return;
    on_open = send_registration;
    done = 0;
    begin_measure(&used);
    begin_talk(&talk, &chatting, options.rate, 60);
    for (int i = 0; i < options.members; i++) close_connection(&people[i], true);
    double started = now_s(), served = 0, asked = started;
    for (int i = 0; i < options.members; i++) open_connection(&people[i]);
    for (double next = pump_talk(&talk); next > 0 || !all_read(&chatting); next = pump_talk(&talk)) {
        turn(next);
        if (now_s() - asked > 0.1) {
            asked = now_s();
            ask_again();
        }
        if (served == 0 && done == options.members) {
            served = now_s() - started;
            talk.ends_s = now_s();
        }
    }
    end_measure(&used);
    if (served == 0) fail("only %d of %d are back", done, options.members);
    double p50 = percentile_ms(&talk, 0.5);
    print_result("reconnect", &used, "\"served_s\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"longest_ms\": %.3f",
                 served, p50, percentile_ms(&talk, 0.99), percentile_ms(&talk, 1));
}
