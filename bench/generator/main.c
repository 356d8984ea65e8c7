/* Options: `load CASE --name value ...`; one JSON object on stdout. */
#include "load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct options options = {
    .host = "127.0.0.1", .prefix = "u", .rooms = 1, .members = 100, .senders = 10, .window = 1, .messages = 1000,
    .pairs = 50, .clients = 1000, .wave = 50, .visits = 200, .chatters = 20, .lines = 10000, .per_source = 1, .rate = 200, .seconds = 5,
};

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"rooms", run_rooms}, {"pairs", run_pairs}, {"latency", run_latency}, {"paste", run_paste},
    {"register", run_register}, {"churn", run_churn}, {"idle", run_idle}, {"crowd", run_crowd},
    {"reconnect", run_reconnect}, {"handshakes", run_handshakes},
};

static const struct {
    const char *name;
    int *value;
} numbers[] = {
    {"--rooms", &options.rooms}, {"--members", &options.members},
    {"--senders", &options.senders}, {"--window", &options.window}, {"--messages", &options.messages},
    {"--pairs", &options.pairs}, {"--clients", &options.clients}, {"--wave", &options.wave},
    {"--visits", &options.visits}, {"--chatters", &options.chatters}, {"--lines", &options.lines},
    {"--per-source", &options.per_source}, {"--tls", &options.tls}, {"--resumed", &options.resumed},
    {"--handshakes", &options.handshakes}, {"--announce", &options.announce},
};

_Noreturn void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

_Noreturn static void refuse(const char *what) {
    fprintf(stderr, "load: %s\nusage: load CASE --port PORT[,...] --pid SERVER_PID[,...] [--name value ...]\ncases:", what);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) fprintf(stderr, " %s", cases[i].name);
    fputc('\n', stderr);
    exit(2);
}

/* Numbers with commas between them. Returns how many there are. */
static int take_list(const char *name, const char *value, int *list) {
    for (int count = 0; count < MOST_SERVERS; value++) {
        char *end = NULL;
        long number = strtol(value, &end, 10);
        if (end == value || number < 1) refuse(name);
        list[count++] = (int)number;
        if (*end == '\0') return count;
        if (*end != ',') refuse(name);
        value = end;
    }
    refuse(name);
}

static void take_option(const char *name, const char *value) {
    char *end = NULL;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(name, numbers[i].name) == 0) {
            long number = strtol(value, &end, 10);
            if (*end != '\0' || number < 1) refuse(name);
            *numbers[i].value = (int)number;
            return;
        }
    if (strcmp(name, "--port") == 0) options.ports = take_list(name, value, options.port);
    else if (strcmp(name, "--pid") == 0) options.pids = take_list(name, value, options.pid);
    else if (strcmp(name, "--host") == 0) options.host = value;
    else if (strcmp(name, "--source") == 0) options.source = value;
    else if (strcmp(name, "--prefix") == 0) options.prefix = value;
    else if (strcmp(name, "--password") == 0) options.password = value;
    else if (strcmp(name, "--rate") == 0) options.rate = strtod(value, NULL);
    else if (strcmp(name, "--seconds") == 0) options.seconds = strtod(value, NULL);
    else refuse(name);
}

int main(int count, char **words) {
    struct rlimit files;
    if (count < 2) refuse("which case?");
    if (strcmp(words[1], "features") == 0) {
        printf("{\"tls\": %s}\n", has_tls ? "true" : "false");
        return 0;
    }
    for (int i = 2; i < count; i += 2) {
        if (i + 1 == count) refuse(words[i]);
        take_option(words[i], words[i + 1]);
    }
    if (options.ports == 0 || options.pids == 0) refuse("--port and --pid are needed");
    if (options.senders > options.members) refuse("--senders must be members");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(words[1], cases[i].name) == 0) {
            cases[i].run();
            return 0;
        }
    refuse(words[1]);
}
