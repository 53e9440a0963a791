// Kind "container": a program in a container, by the API that Docker and Podman speak.

#include "task/container.h"
#include "task/kinds.h"

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

static mr_code container_run(const void *options, const mr_task_try *try, mr_cx *cx) {
    (void)try;
    MR_TRY(mr_container_check(options, cx));
    return mr_fail(cx, MR_E_UNSUPPORTED, NULL, "containers cannot be run yet");
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
};
