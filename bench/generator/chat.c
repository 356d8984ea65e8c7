/* The cases in which people talk. */
#include "load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct room *rooms;
static int room_count, unfinished;
static struct talk talk;

static void place_in_rooms(struct client *client) {
    client->room = client->number / options.members;
    snprintf(client->line_target, sizeof client->line_target, "#r%d", client->room);
}

static void make_rooms(struct client *clients, int senders, int messages) {
    room_count = options.rooms;
    rooms = calloc((size_t)room_count, sizeof *rooms);
    for (int i = 0; i < room_count; i++) {
        struct client **member = calloc((size_t)options.members, sizeof *member);
        char target[24];
        if (rooms == NULL || member == NULL) fail("out of memory");
        for (int j = 0; j < options.members; j++) member[j] = &clients[i * options.members + j];
        snprintf(target, sizeof target, "#r%d", i);
        make_room(&rooms[i], target, member, options.members, senders, messages);
    }
}

/* A sender goes on once fewer of its messages than the window are unanswered. */
static void keep_window(struct room *room, int sender) {
    while (room->sent[sender] < room->messages && room->sent[sender] - room->answered[sender] < options.window)
        send_message(room, sender);
}

static void line_in_room(struct client *client, char *line, int size) {
    struct room *room = &rooms[client->room];
    int message;
    int sender = receive_message(room, client, line, size, &message);
    if (sender < 0) return;
    keep_window(room, sender);
    if (room->answered[sender] == room->messages && room->readers[sender * room->messages + message] ==
        room->members - 1)
        unfinished--;
}

static int64_t talk_in_windows(struct measure *used) {
    int64_t received = 0;
    on_line = line_in_room;
    unfinished = room_count * rooms[0].senders;
    begin_measure(used);
    for (int i = 0; i < room_count; i++)
        for (int j = 0; j < rooms[i].senders; j++) keep_window(&rooms[i], j);
    while (unfinished > 0) turn(0);
    end_measure(used);
    settle(); /* a line that comes twice, or to somebody who should not have it, comes now */
    for (int i = 0; i < room_count; i++) {
        int64_t due = (int64_t)rooms[i].senders * rooms[i].messages * (rooms[i].members - 1);
        if (rooms[i].received != due)
            fail("room %d: %lld lines received where %lld were due", i, (long long)rooms[i].received, (long long)due);
        received += due;
    }
    return received;
}

static void print_talk(const char *name, const struct measure *used, int64_t received) {
    int64_t messages = (int64_t)room_count * rooms[0].senders * rooms[0].messages;
    print_result(name, used, "\"messages\": %lld, \"delivered\": %lld, \"us_per_delivered\": %.4f",
                 (long long)messages, (long long)received, used->server_s * 1e6 / (double)received);
}

void run_rooms(void) {
    struct measure used;
    struct client *clients = new_clients(options.rooms * options.members, 0);
    bring_in(clients, options.rooms * options.members, place_in_rooms);
    make_rooms(clients, options.senders, options.messages);
    print_talk("rooms", &used, talk_in_windows(&used));
}

void run_pairs(void) {
    struct measure used;
    struct client *clients = new_clients(options.pairs * 2, 0);
    bring_in(clients, options.pairs * 2, NULL);
    options.rooms = options.pairs;
    options.members = 2;
    for (int i = 0; i < options.pairs * 2; i++) clients[i].room = i / 2;
    make_rooms(clients, 1, options.messages);
    for (int i = 0; i < options.pairs; i++)
        snprintf(rooms[i].target, sizeof rooms[i].target, "%s%d", options.prefix, i * 2 + 1);
    print_talk("pairs", &used, talk_in_windows(&used));
}

/* -- at random moments -- */

static double random_share(struct talk *one) {
    one->random = one->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return ((double)(one->random >> 11) + 0.5) / 9007199254740992.0;
}

void begin_talk(struct talk *one, struct room *room, double rate, double seconds) {
    one->room = room;
    one->rate = rate;
    one->random = 20;
    one->waits = 0;
    one->most_waits = (int64_t)((rate * seconds * 1.5 + 100) * room->members);
    one->planned = calloc((size_t)room->senders * (size_t)room->messages, sizeof *one->planned);
    one->waits_ms = calloc((size_t)one->most_waits, sizeof *one->waits_ms);
    if (one->planned == NULL || one->waits_ms == NULL) fail("out of memory");
    one->next_s = now_s();
    one->ends_s = one->next_s + seconds;
}

double pump_talk(struct talk *one) {
    double now = now_s();
    while (one->next_s <= now && one->next_s < one->ends_s) {
        int sender = (int)(random_share(one) * one->room->senders);
        if (one->room->sent[sender] < one->room->messages) {
            one->planned[sender * one->room->messages + one->room->sent[sender]] = one->next_s;
            send_message(one->room, sender);
        }
        one->next_s += -log(random_share(one)) / one->rate;
    }
    flush_all();
    return one->next_s < one->ends_s ? one->next_s : 0;
}

void note_wait(struct talk *one, int sender, int message) {
    if (one->waits < one->most_waits)
        one->waits_ms[one->waits++] = (float)((read_at - one->planned[sender * one->room->messages + message]) * 1e3);
}

static int by_size(const void *one, const void *other) {
    float a = *(const float *)one, b = *(const float *)other;
    return (a > b) - (a < b);
}

double percentile_ms(struct talk *one, double share) {
    if (one->waits == 0) fail("nobody read anything");
    qsort(one->waits_ms, (size_t)one->waits, sizeof *one->waits_ms, by_size);
    return one->waits_ms[(int64_t)((double)(one->waits - 1) * share)];
}

static void line_of_talk(struct client *client, char *line, int size) {
    int message;
    if (client->room < 0) return;
    int sender = receive_message(talk.room, client, line, size, &message);
    if (sender >= 0) note_wait(&talk, sender, message);
}

/* Says and begins what is due; when the next is, 0 when all is said and begun. */
static double next_of_both(void) {
    double said = pump_talk(&talk), visit = options.handshakes ? pump_visits() : 0;
    return said == 0 || (visit > 0 && visit < said) ? visit : said;
}

void run_latency(void) {
    struct measure used;
    options.rooms = 1;
    struct client *clients = new_clients(options.members, 0);
    bring_in(clients, options.members, place_in_rooms);
    make_rooms(clients, options.senders, (int)(options.rate * options.seconds * 4 / options.senders) + 1000);
    on_line = line_of_talk;
    begin_measure(&used);
    begin_talk(&talk, &rooms[0], options.rate, options.seconds);
    if (options.handshakes) begin_visits(options.members, options.seconds);
    for (double next = next_of_both(); next > 0 || !all_read(&rooms[0]) || !visits_are_over(); next = next_of_both())
        turn(next);
    end_measure(&used);
    double p50 = percentile_ms(&talk, 0.5);
    print_result("latency", &used,
                 "\"messages\": %lld, \"delivered\": %lld, \"us_per_delivered\": %.4f, \"p50_ms\": %.3f, "
                 "\"p99_ms\": %.3f, \"longest_ms\": %.3f",
                 (long long)(rooms[0].received / (options.members - 1)), (long long)rooms[0].received,
                 used.server_s * 1e6 / (double)rooms[0].received, p50, percentile_ms(&talk, 0.99),
                 percentile_ms(&talk, 1));
}

/* -- beside somebody who pastes -- */

static struct room pasted;

static void place_paster(struct client *client) {
    client->room = -1;
    snprintf(client->line_target, sizeof client->line_target, "#paste");
}

static void line_beside_paste(struct client *client, char *line, int size) {
    int message;
    if (client->room < 0)
        receive_message(&pasted, client, line, size, &message);
    else
        line_of_talk(client, line, size);
}

void run_paste(void) {
    struct measure used;
    options.rooms = 1;
    struct client *clients = new_clients(options.members, 0), *pasters = new_clients(2, options.members);
    struct client *both[] = {&pasters[0], &pasters[1]};
    bring_in(clients, options.members, place_in_rooms);
    on_line = line_beside_paste;
    bring_in(pasters, 2, place_paster);
    make_rooms(clients, options.senders, (int)(options.rate * 240 / options.senders) + 1000);
    make_room(&pasted, "#paste", both, 2, 1, options.lines);
    on_line = line_beside_paste;
    begin_measure(&used);
    begin_talk(&talk, &rooms[0], options.rate, 60);
    for (int i = 0; i < options.lines; i++) send_message(&pasted, 0);
    double started = now_s(), took = 0;
    for (double next = pump_talk(&talk); next > 0 || !all_read(&rooms[0]); next = pump_talk(&talk)) {
        turn(next);
        if (took == 0 && all_read(&pasted)) {
            took = now_s() - started;
            talk.ends_s = now_s(); /* what is said later is not said beside a paste */
        }
    }
    end_measure(&used);
    if (!all_read(&pasted)) fail("the paste was not read to its end");
    double p50 = percentile_ms(&talk, 0.5);
    print_result("paste", &used, "\"paste_s\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"longest_ms\": %.3f", took, p50,
                 percentile_ms(&talk, 0.99), percentile_ms(&talk, 1));
}
