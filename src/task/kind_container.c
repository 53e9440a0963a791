// Kind "container": a program in a container, by the API that Docker and Podman speak.
//
//   leavings ended → image there → note on disk → create → (attach →) start → log followed → end
//   looked at → outputs taken → removed → note gone
// A container is no process of ours: killing a try does not end it. So before it is made a note is
// on disk (mr_task_try.outside); whoever finds the try dead ends by it what still runs, before the
// try counts as over. Its name follows from the try, so no try has two; and each try first ends
// what is left of earlier ones, should nobody have been able to.
// Crash points: container.noted container.created container.started container.ended.

#include <string.h>

#include "plat/network.h"
#include "plat/thread.h"
#include "task/container_follow.h"
#include "task/container_output.h"
#include "task/container_pull.h"
#include "task/container_reach.h"
#include "task/kinds.h"
#include "task/where.h"

#define SERVERS          "KAFKA_BOOTSTRAP_SERVERS"
#define QUIET_US         ((int64_t)60 * 1000 * 1000)   // Of an ordinary answer.
#define CREATE_US        ((int64_t)120 * 1000 * 1000)  // Volumes are filled, networks set up.
#define CLEAN_US         ((int64_t)10 * 1000 * 1000)
#define SPARE_US         ((int64_t)3 * 1000 * 1000)  // Of the grace, for what follows the stop.
#define VERSION_PLATFORM 41

static const mr_option container_options[] = {
    MR_OPTION(mr_container_keys, image, MR_OPT_TEXT, MR_REQUIRED,
              "The image: NAME, NAME:TAG, REGISTRY/NAME:TAG, or NAME@sha256:…."),
    MR_OPTION(mr_container_keys, command, MR_OPT_TEXT, NULL,
              "The program and its arguments, a list; the image's own if not given."),
    MR_OPTION(mr_container_keys, entrypoint, MR_OPT_TEXT, NULL,
              "What stands before it, a list, instead of the image's."),
    MR_OPTION(mr_container_keys, mounts, MR_OPT_TEXT, NULL,
              "Folders and volumes, one or a list: SOURCE:TARGET, SOURCE:TARGET:ro, or a map with "
              "`source`, `target`, `type` bind, volume or tmpfs, `read_only`. A source with a "
              "slash is a path, from the project's folder on."),
    MR_OPTION(mr_container_keys, network, MR_OPT_TEXT, NULL,
              "bridge, host, none, or the name of a network; the engine's own if not given."),
    MR_OPTION(mr_container_keys, hosts, MR_OPT_TEXT, NULL,
              "Names that it is to know, a map of name to address."),
    MR_OPTION(mr_container_keys, working_dir, MR_OPT_TEXT, NULL, "The folder that it starts in."),
    MR_OPTION(mr_container_keys, user, MR_OPT_TEXT, NULL, "The user: NAME, UID, or UID:GID."),
    MR_OPTION(mr_container_keys, tty, MR_OPT_BOOL, "false", "Whether it gets a terminal."),
    MR_OPTION(mr_container_keys, memory, MR_OPT_BYTES, NULL,
              "The most memory that it may use: 512MiB."),
    MR_OPTION(mr_container_keys, cpus, MR_OPT_NUMBER, NULL,
              "The most processors that it may use: 1.5."),
    MR_OPTION(mr_container_keys, platform, MR_OPT_TEXT, NULL,
              "Of the image, where there are several: linux/arm64."),
    MR_OPTION_CHOICE(mr_container_keys, pull, "missing|always|never", "missing",
                     "When the image is fetched from its registry."),
    MR_OPTION(mr_container_keys, registry, MR_OPT_TEXT, NULL,
              "A connection of type docker with the registry's host, login and password."),
    MR_OPTION(mr_container_keys, broker_env, MR_OPT_TEXT, NULL,
              "Variables that get the broker's address as the container reaches it, one or a list, "
              "besides KAFKA_BOOTSTRAP_SERVERS; without such an address the task fails."),
    MR_OPTION(mr_container_keys, engine, MR_OPT_TEXT, NULL,
              "Where the engine is: unix:///run/podman/podman.sock, tcp://host:2375, "
              "https://host:2376; if not given it is looked for."),
    MR_OPTION(mr_container_keys, conn, MR_OPT_TEXT, NULL, "Or a connection of type docker to it."),
    MR_OPTION(mr_container_keys, connect_timeout, MR_OPT_DURATION, "30s",
              "How long the engine is tried."),
    MR_OPTION(mr_container_keys, pull_timeout, MR_OPT_DURATION, "1h",
              "How long fetching the image may take."),
    MR_OPTION_END,
};

static const char *const container_nested[] = {"command", "entrypoint", "mounts",
                                               "hosts",   "broker_env", NULL};

static mr_code container_check(const void *options, mr_cx *cx) {
    return mr_container_check(options, cx);
}

// ---- before it runs --------------------------------------------------------------------------

typedef struct run {
    const mr_container_keys *keys;
    const mr_task_try *try;
    mr_engine_place place;
    mr_engine engine;
    mr_container_who who;
    mr_container_image image;
    mr_wake wake;
    bool unsure;  // Whether the container was made: its making was not answered.
} run;

static mr_code find_engine(run *r, mr_cx *cx) {
    mr_endpoint conn;
    if (r->keys->conn != NULL) {
        MR_TRY(mr_where_connection(r->try, r->keys->conn, "docker", &conn, cx));
    }
    MR_TRY(mr_engine_find(r->keys->engine, r->keys->conn == NULL ? NULL : &conn, &r->place, cx));
    r->engine = (mr_engine){
        .place = &r->place,
        .wake = &r->wake,
        .connect_us = r->keys->connect_timeout,
        .quiet_us = QUIET_US,
    };
    return mr_engine_open(&r->engine, cx);
}

static mr_code fetch_image(run *r, mr_cx *cx) {
    mr_endpoint registry;
    if (r->keys->registry != NULL) {
        MR_TRY(mr_where_connection(r->try, r->keys->registry, "docker", &registry, cx));
    }
    const mr_container_pull pull = {
        .image = &r->image,
        .policy = r->keys->pull,
        .platform = r->keys->platform,
        .registry = r->keys->registry == NULL ? NULL : &registry,
        .timeout_us = r->keys->pull_timeout,
    };
    if (r->keys->platform != NULL && !mr_engine_has(&r->engine, VERSION_PLATFORM)) {
        return mr_fail(cx, MR_E_UNSUPPORTED, "Leave platform: out, or install a newer engine.",
                       "engine \"%s\" is too old to be told a platform", r->place.name);
    }
    return mr_container_pull_image(&r->engine, &pull, cx);
}

// The address by which we reach an engine on another machine, which is one of ours; NULL: it is on
// this machine, however it is named.
static mr_code find_outer(const run *r, const char **ret, mr_cx *cx) {
    *ret = NULL;
    if (r->place.file != NULL) {
        return MR_OK;
    }
    mr_socket socket = MR_SOCKET_CLOSED;
    char host[64];
    uint16_t port;
    const mr_socket_limit limit = {
        .deadline_us = mr_clock_monotonic_us(cx->plat) + r->engine.connect_us, .wake = &r->wake};
    MR_TRY(mr_socket_connect(&socket, r->place.host, r->place.port, &limit, cx));
    mr_code code = mr_socket_local(&socket, host, sizeof(host), &port, cx);
    mr_socket_close(&socket, cx->plat);
    MR_TRY(code);
    bool here = strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
                strcmp(host, r->place.host) == 0;
    *ret = here ? NULL : mr_arena_string(cx->arena, host);
    return MR_OK;
}

// By which name the host is reached. *ret_host: what the engine is to enter for it; NULL = it does.
static mr_code find_alias(const run *r, mr_container_reach *reach, const char **ret_host,
                          mr_cx *cx) {
    const char *network = r->keys->network == NULL ? "" : r->keys->network;
    bool own = strcmp(network, "host") != 0 && strncmp(network, "container:", 10) != 0;
    *ret_host = NULL;
    MR_TRY(find_outer(r, &reach->alias, cx));
    reach->engine_is_remote = reach->alias != NULL;
    if (reach->engine_is_remote) {
        mr_network *all;
        uint32_t count, bridges = 0;
        MR_TRY(mr_networks_list(&all, &count, cx));
        reach->bridges = MR_NEW_ARRAY(cx->arena, const char *, count + 1);
        for (uint32_t i = 0; i < count; i++) {
            if (all[i].containers) {
                reach->bridges[bridges++] = all[i].host;
            }
        }
        return MR_OK;
    }
    reach->alias = r->engine.is_podman ? "host.containers.internal" : "host.docker.internal";
    *ret_host = r->engine.is_podman || !own ? NULL : "host.docker.internal:host-gateway";
    return MR_OK;
}

// The broker's address and the names under which it is handed in.
static mr_code find_broker(const run *r, const char **ret, const char **ret_host, mr_cx *cx) {
    mr_container_reach reach = {
        .servers = mr_where_found(r->try, cx),
        .network = r->keys->network,
        .listeners = mr_where_listeners(r->try, cx),
    };
    const char *why;
    MR_TRY(find_alias(r, &reach, ret_host, cx));
    mr_container_reach_broker(&reach, ret, &why, cx->arena);
    if (*ret != NULL && strstr(*ret, "host.docker.internal") == NULL) {
        *ret_host = NULL;
    }
    if (*ret == NULL && r->keys->broker_env != NULL) {
        return mr_fail(cx, MR_E_OPTION, "Or leave broker_env out, and give the address by env:.",
                       "%s",
                       why[0] != '\0' ? why
                                      : "broker_env wants a broker's address, and there is no "
                                        "broker: millrace up runs one, KAFKA_BOOTSTRAP_SERVERS "
                                        "names another");
    }
    if (*ret == NULL && why[0] != '\0') {
        const char *line = mr_arena_printf(cx->arena, "note: %s\n", why);
        MR_TRY(mr_stream_write(MR_STDERR, mr_span_of(line), cx));
    }
    return MR_OK;
}

// Adds a variable, in the place of one that has its name: of two, programs read whichever they
// like.
static void put_env(const char **all, size_t *count, const char *pair) {
    size_t bytes = strcspn(pair, "="), at = 0;
    while (at < *count && (strncmp(all[at], pair, bytes) != 0 || all[at][bytes] != '=')) {
        at++;
    }
    all[at] = pair;
    *count += at == *count;
}

// What the files say, but the broker's address as the container needs it, and what a try knows.
static mr_code make_env(const run *r, const char *broker, const char *const **ret, mr_cx *cx) {
    const char *const *names;
    MR_TRY(mr_container_broker_env(r->keys->broker_env, &names, cx));
    size_t given = 0, named = 0, count = 0;
    while (r->try->env[given] != NULL) {
        given++;
    }
    while (names[named] != NULL) {
        named++;
    }
    const char **all = MR_NEW_ARRAY(cx->arena, const char *, given + named + 7);
    for (size_t i = 0; i < given; i++) {
        if (strncmp(r->try->env[i], SERVERS "=", strlen(SERVERS) + 1) != 0) {
            put_env(all, &count, r->try->env[i]);
        }
    }
    for (size_t i = 0; broker != NULL && i < named; i++) {
        put_env(all, &count, mr_arena_printf(cx->arena, "%s=%s", names[i], broker));
    }
    const char *const own[] = {
        broker == NULL ? NULL : mr_arena_printf(cx->arena, SERVERS "=%s", broker),
        "MILLRACE_OUTPUT=" MR_CONTAINER_OUTPUT,
        mr_arena_printf(cx->arena, "MILLRACE_DAG=%s", r->try->dag),
        mr_arena_printf(cx->arena, "MILLRACE_RUN=%s", r->try->run_id),
        mr_arena_printf(cx->arena, "MILLRACE_TASK=%s", r->try->task),
        mr_arena_printf(cx->arena, "MILLRACE_TRY_NUMBER=%u", r->try->number),
    };
    for (size_t i = broker == NULL; i < MR_COUNT(own); i++) {
        put_env(all, &count, own[i]);
    }
    *ret = all;
    return MR_OK;
}

// ---- its life --------------------------------------------------------------------------------

// How long what must not be given up half-way may take when we are asked to end.
static int64_t spare_us(const run *r) {
    return MR_MAX(r->try->grace_us - SPARE_US, (int64_t)0);
}

// A making that is given up goes on in the engine: so it is waited for, also when we are to end.
static mr_code create_once(run *r, mr_span request, int *ret_status, mr_text *ret_body, mr_cx *cx) {
    mr_text path;
    mr_text_init(&path, cx->arena);
    mr_text_addf(&path, "/containers/create?name=%s", r->who.name);
    if (r->keys->platform != NULL) {
        mr_text_add(&path, "&platform=");
        mr_endpoint_percent(mr_span_of(r->keys->platform), &path);
    }
    const mr_engine_call call = {
        .method = "POST",
        .path = mr_text_string(&path),
        .type = "application/json",
        .body = request,
        .quiet_us = CREATE_US,
        .stop_us = spare_us(r),
    };
    mr_code code = mr_engine_ask(&r->engine, &call, ret_status, ret_body, cx);
    r->unsure = code != MR_OK;
    return code;
}

// A container of this name is this try's, of a life that is over: it is ended, never met.
static mr_code create(run *r, mr_cx *cx) {
    const char *broker = NULL, *host = NULL;
    mr_container_more more = {
        .labels = r->who.labels, .label_count = MR_CONTAINER_LABELS, .dir = mr_dir_current(cx)};
    mr_text request, body;
    int status;
    mr_text_init(&request, cx->arena);
    MR_TRY(find_broker(r, &broker, &host, cx));
    MR_TRY(make_env(r, broker, &more.env, cx));
    more.host = host;
    MR_TRY(mr_container_request(r->keys, &more, &request, cx));
    MR_TRY(create_once(r, mr_text_span(&request), &status, &body, cx));
    if (status == 409) {
        bool is_free;
        MR_TRY(mr_container_life_free_name(&r->engine, &r->who, &is_free, cx));
        if (is_free) {
            MR_TRY(create_once(r, mr_text_span(&request), &status, &body, cx));
        }
    }
    return status == 201 ? MR_OK
                         : mr_engine_refused(&r->engine, status, &body, "create the container", cx);
}

static mr_code start(const run *r, mr_cx *cx) {
    const mr_engine_call call = {
        .method = "POST",
        .path = mr_arena_printf(cx->arena, "/containers/%s/start", r->who.name),
        .quiet_us = CREATE_US,
    };
    mr_text body;
    int status;
    MR_TRY(mr_engine_ask(&r->engine, &call, &status, &body, cx));
    return status == 204 || status == 304
               ? MR_OK
               : mr_engine_refused(&r->engine, status, &body, "start the container", cx);
}

static mr_code judge(const run *r, const mr_container_state *state, mr_cx *cx) {
    if (!state->was_started) {
        return mr_fail(cx, MR_E_IO, NULL, "the container was not started: %s",
                       state->error[0] == '\0' ? "the engine does not say why" : state->error);
    }
    if (state->exit_code == 0 && !state->out_of_memory) {
        return MR_OK;
    }
    int code = state->exit_code & 255;
    r->try->exited(r->try, code == 0 ? 1 : code);
    if (state->out_of_memory) {
        return mr_fail(cx, MR_E_LIMIT, "Raise memory:.",
                       "the container was out of memory, and ended with exit code %d",
                       state->exit_code);
    }
    return mr_fail(cx, MR_E_VALUE, NULL, "the container ended with exit code %d%s%s",
                   state->exit_code, state->error[0] == '\0' ? "" : ": ", state->error);
}

// From its making to its end. What is left is for `clean`.
static mr_code live(run *r, mr_container_follow *follow, mr_cx *cx) {
    mr_container_state state;
    MR_TRY(create(r, cx));
    (void)!mr_crash_point("container.created", cx);
    mr_code put = mr_container_output_put(&r->engine, r->who.name, cx);
    // A proxy may forbid it, or an image that cannot be written: then it runs without.
    bool outputs = put == MR_OK;
    if (put == MR_E_PERMISSION || put == MR_E_MISSING || put == MR_E_OPTION) {
        const char *line =
            mr_arena_printf(cx->arena, "note: it can have no outputs: %s\n", cx->error.text);
        MR_TRY(mr_stream_write(MR_STDERR, mr_span_of(line), cx));
    } else if (put != MR_OK) {
        return put;
    }
    MR_TRY(mr_container_follow_attach(follow, cx));
    MR_TRY(start(r, cx));
    (void)!mr_crash_point("container.started", cx);
    MR_TRY(mr_container_follow_run(follow, &state, cx));
    (void)!mr_crash_point("container.ended", cx);
    mr_code code = outputs ? mr_container_output_take(&r->engine, r->who.name, r->try, cx) : MR_OK;
    mr_code judged = judge(r, &state, cx);
    return judged != MR_OK ? judged : code;
}

// Stops it when it runs, and removes it; the note goes with it. Whatever fails here is for whoever
// finds the note.
static void clean(run *r, mr_container_follow *follow, bool stopped, mr_cx *cx) {
    mr_error first = cx->error;
    mr_engine engine = r->engine;
    engine.wake = NULL;  // We have been asked to end: that is what is done here.
    engine.connect_us = MR_MIN(engine.connect_us, CLEAN_US);
    engine.quiet_us = CLEAN_US;
    if (stopped) {
        int64_t seconds = spare_us(r) / 1000000;
        (void)!mr_stream_write(MR_STDERR, MR_SPAN("stopping the container\n"), cx);
        (void)!mr_container_life_stop(&engine, r->who.name, seconds, cx);  // Removing kills it.
        mr_container_follow_rest(follow, &engine, cx);
    }
    bool there = false;
    mr_code removed = mr_container_life_remove(&engine, r->who.name, &there, cx);
    if (removed == MR_OK && r->unsure && !there) {
        removed =
            mr_fail(cx, MR_E_IO, NULL,
                    "note: whether container %s was made is not known; it is looked for again",
                    r->who.name);
    } else if (removed == MR_OK) {
        removed = r->try->outside(r->try, (mr_span){NULL, 0}, cx);
    }
    if (removed != MR_OK) {
        const char *line = mr_arena_printf(cx->arena, "%s\n", cx->error.text);
        (void)!mr_stream_write(MR_STDERR, mr_span_of(line), cx);
    }
    cx->error = first;
}

static mr_code run_all(run *r, mr_cx *cx) {
    mr_text note;
    mr_container_follow follow;
    mr_text_init(&note, cx->arena);
    MR_TRY(mr_container_check(r->keys, cx));
    MR_TRY(mr_container_image_parse(r->keys->image, &r->image, cx));
    MR_TRY(find_engine(r, cx));
    MR_TRY(mr_container_life_who(r->try, &r->who, cx));
    MR_TRY(mr_container_life_sweep(&r->engine, &r->who, cx));
    MR_TRY(fetch_image(r, cx));
    mr_container_life_note(&r->place, r->who.name, &note);
    MR_TRY(r->try->outside(r->try, mr_text_span(&note), cx));
    (void)!mr_crash_point("container.noted", cx);
    mr_container_follow_init(&follow, &r->engine, r->who.name, r->keys->tty);
    mr_code code = live(r, &follow, cx);
    mr_container_follow_close(&follow, cx);
    clean(r, &follow, /* stopped= */ code == MR_E_CANCELLED, cx);
    return code;
}

static mr_code container_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    run r = {.keys = options, .try = try};
    MR_TRY(mr_wake_open(&r.wake, cx));
    mr_thread_wake_at_stop(&r.wake);
    if (mr_cx_cancelled(cx)) {
        mr_wake_signal(&r.wake, cx->plat);  // It came before that.
    }
    mr_code code = run_all(&r, cx);
    mr_thread_wake_at_stop(NULL);
    mr_wake_close(&r.wake, cx->plat);
    return code;
}

const mr_task_type mr_kind_container = {
    .name = "container",
    .doc = "Runs a program in a container of Docker or Podman; outputs as those of shell.",
    .file = __FILE__,
    .place = MR_TASK_CHILD,
    .options = container_options,
    .nested = container_nested,
    .size = sizeof(mr_container_keys),
    .run = container_run,
    .check = container_check,
    .end = mr_container_life_end,
};
