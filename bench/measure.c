// measure: runs a command and says what it took, with as little as possible in its way.
//
//   measure RESULT FOLDER COMMAND [ARG]...
//
// Writes one JSON object to RESULT: seconds from start to end, CPU seconds, the most memory it
// held, and when the first *.parquet stood below FOLDER ("-": nobody looks). Ends with the
// command's code.
//
// Why: runs of half a second are disturbed by a Python that walks /proc beside them. The kernel
// counts CPU and memory anyway; the high-water mark of a child is right only when its parent is
// small (exec keeps the peak of the process that forked), which this one is.

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY_US 1000
#define DEPTH_MAX     4

static double now(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

// Names with a dot first are a writer's own: what stands there is not published.
static bool has_row(const char *folder, int depth) {
    DIR *dir = opendir(folder);
    bool found = false;
    struct dirent *entry;
    while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        size_t bytes = strlen(name);
        if (name[0] == '.') {
            continue;
        }
        found = bytes > 8 && strcmp(name + bytes - 8, ".parquet") == 0;
        if (!found && entry->d_type == DT_DIR && depth < DEPTH_MAX) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", folder, name);
            found = has_row(path, depth + 1);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return found;
}

static double seconds_of(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static pid_t child;

static void pass_on(int signal_number) {
    kill(child, signal_number);
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: measure RESULT FOLDER|- COMMAND [ARG]...\n");
        return 2;
    }
    double begun_at = now(), first_row = -1;
    child = fork();
    if (child == 0) {
        execvp(argv[3], argv + 3);
        perror(argv[3]);
        _exit(127);
    }
    signal(SIGTERM, pass_on);
    int status;
    struct rusage usage;
    bool looking = strcmp(argv[2], "-") != 0;
    while (wait4(child, &status, looking ? WNOHANG : 0, &usage) != child) {
        if (looking && has_row(argv[2], 0)) {
            first_row = now() - begun_at;
            looking = false;
        } else if (looking) {
            usleep(LOOK_EVERY_US);
        }
    }
    double seconds = now() - begun_at;
    if (looking && has_row(argv[2], 0)) {
        first_row = seconds;
    }
    FILE *out = fopen(argv[1], "w");
    if (out == NULL) {
        perror(argv[1]);
        return 1;
    }
    fprintf(out,
            "{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"peak_bytes\": %ld, "
            "\"first_row_seconds\": ",
            seconds, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
            usage.ru_maxrss * 1024);
    fprintf(out, first_row < 0 ? "null}\n" : "%.6f}\n", first_row);
    fclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
