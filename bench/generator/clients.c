/* From a socket to somebody who is registered and in a room. */
#include "load.h"

#include <string.h>

#define WAVE 1000

static void (*place_client)(struct client *client);
static int settled, begun, wanted;
static struct client *all;

bool is_numeric(const char *line, const char *code) {
    const char *space = strchr(line, ' ');
    return line[0] == ':' && space != NULL && strncmp(space + 1, code, 3) == 0 && space[4] == ' ';
}

bool is_welcomed(const char *line) { return is_numeric(line, "376") || is_numeric(line, "422"); }

void send_registration(struct client *client) {
    if (options.password != NULL) say(client, "PASS %s", options.password);
    say(client, "NICK %s%d", options.prefix, client->number);
    say(client, "USER %s 0 * :somebody", options.prefix);
    client->state = REGISTERING;
}

static void begin_next(void) {
    if (begun < wanted) open_connection(&all[begun++]);
}

static void line_of_newcomer(struct client *client, char *line, int size) {
    (void)size;
    if (strncmp(line, "ERROR", 5) == 0 || is_numeric(line, "433")) fail("client %d: %s", client->number, line);
    if (client->state == REGISTERING && is_welcomed(line)) {
        client->state = REGISTERED;
        client->line_target[0] = '\0';
        if (place_client != NULL) place_client(client);
        if (client->line_target[0] == '\0') {
            settled++;
            begin_next();
        } else {
            say(client, "JOIN %s", client->line_target);
        }
    } else if (client->state == REGISTERED && is_numeric(line, "366")) {
        client->state = JOINED;
        settled++;
        begin_next();
    }
}

void bring_in(struct client *clients, int count, void (*place)(struct client *client)) {
    all = clients;
    place_client = place;
    settled = begun = 0;
    wanted = count;
    on_open = send_registration;
    on_line = line_of_newcomer;
    for (int i = 0; i < WAVE; i++) begin_next();
    while (settled < count) turn(0);
    settle();
    on_open = NULL;
}
