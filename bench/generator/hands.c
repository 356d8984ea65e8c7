/* TLS handshakes, alone and beside talk. */
#include "load.h"

#include <string.h>

static struct client *visitors;
static int begun, done, resumed, wanted;
static double next_s, ends_s;

static void greet_and_leave(struct client *client) {
    if (is_resumed(client)) resumed++;
    say(client, "QUIT");
    client->state = LEAVING;
}

static void begin_next(void) { open_connection(&visitors[begun++]); }

static void end_of_visit(struct client *client) {
    if (client->state != LEAVING) fail("the server closed the connection of client %d", client->number);
    close_connection(client, false);
    done++;
}

static void replace_visitor(struct client *client) {
    end_of_visit(client);
    if (begun < wanted) begin_next();
}

static void ignore_line(struct client *client, char *line, int size) { (void)client, (void)line, (void)size; }

static void prepare(int first, int count) {
    visitors = new_clients(count, first);
    for (int i = 0; i < count; i++) visitors[i].room = -1;
    wanted = count;
    begun = done = resumed = 0;
    on_open = greet_and_leave;
}

void run_handshakes(void) {
    struct measure used;
    on_line = ignore_line;
    on_closed = replace_visitor;
    prepare(options.clients, 1); /* it gets the session that others resume; and the first one costs more */
    begin_next();
    while (done < wanted) turn(0);
    settle();
    prepare(0, options.clients);
    begin_measure(&used);
    while (begun < options.wave && begun < wanted) begin_next();
    while (done < wanted) turn(0);
    end_measure(&used);
    if (options.tls && resumed != (options.resumed ? wanted : 0))
        fail("%d of %d handshakes resumed a session", resumed, wanted);
    print_result("handshakes", &used, "\"handshakes\": %d, \"us_per_handshake\": %.3f", wanted,
                 used.server_s * 1e6 / wanted);
}

void begin_visits(int first, double seconds) {
    prepare(first, (int)(options.handshakes * seconds) + 1);
    on_closed = end_of_visit;
    next_s = now_s();
    ends_s = next_s + seconds;
}

double pump_visits(void) {
    for (double now = now_s(); next_s <= now && next_s < ends_s && begun < wanted;) {
        begin_next();
        next_s += 1.0 / options.handshakes;
    }
    return next_s < ends_s && begun < wanted ? next_s : 0;
}

bool visits_are_over(void) { return done == begun; }
