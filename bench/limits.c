// limits: how fast this machine reads and writes, for the bound that results are compared with.
//
//   limits read FILE THREADS      the file from the page cache, 512 KiB at a time, the parts side
//   by
//                                 side
//   limits write FOLDER FILE...   the same bytes again: as many files of the same sizes, each
//   synced
//
// Prints one JSON object. A pipeline has to do both, so it cannot be faster.

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)512 << 10)
#define THREADS_MAX 64

static double now(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

typedef struct part {
    const char *path;
    off_t from, to;
} part;

static void *part_read(void *arg) {
    const part *p = arg;
    int fd = open(p->path, O_RDONLY | O_CLOEXEC);
    char *block = malloc(BLOCK_BYTES);
    if (fd < 0 || block == NULL) {
        die(p->path);
    }
    for (off_t at = p->from; at < p->to;) {
        size_t bytes = (size_t)(p->to - at) < BLOCK_BYTES ? (size_t)(p->to - at) : BLOCK_BYTES;
        ssize_t got = pread(fd, block, bytes, at);
        if (got <= 0) {
            die(p->path);
        }
        at += got;
    }
    free(block);
    close(fd);
    return NULL;
}

static double read_all(const char *path, off_t bytes, int threads) {
    pthread_t thread[THREADS_MAX];
    part parts[THREADS_MAX];
    double from = now();
    for (int i = 0; i < threads; i++) {
        parts[i] = (part){path, bytes * i / threads, bytes * (i + 1) / threads};
        if (pthread_create(&thread[i], NULL, part_read, &parts[i]) != 0) {
            die("thread");
        }
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
    }
    return now() - from;
}

static int limit_read(const char *path, int threads) {
    struct stat stat_of;
    if (stat(path, &stat_of) != 0 || threads < 1 || threads > THREADS_MAX) {
        die(path);
    }
    read_all(path, stat_of.st_size, threads);  // Into the page cache.
    double best = 1e9;
    for (int turn = 0; turn < 3; turn++) {
        double seconds = read_all(path, stat_of.st_size, threads);
        best = seconds < best ? seconds : best;
    }
    printf("{\"bytes\": %lld, \"seconds\": %.6f}\n", (long long)stat_of.st_size, best);
    return 0;
}

static int limit_write(const char *folder, char **paths, int count) {
    uint64_t total = 0;
    double seconds = 0;
    for (int i = 0; i < count; i++) {
        struct stat stat_of;
        int in = open(paths[i], O_RDONLY | O_CLOEXEC);
        if (in < 0 || fstat(in, &stat_of) != 0) {
            die(paths[i]);
        }
        size_t bytes = (size_t)stat_of.st_size;
        char *data = malloc(bytes + 1);
        if (data == NULL || read(in, data, bytes) != stat_of.st_size) {
            die(paths[i]);
        }
        close(in);
        char path[4096];
        snprintf(path, sizeof path, "%s/limit", folder);
        double from = now();
        int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (out < 0 || write(out, data, bytes) != stat_of.st_size || fsync(out) != 0) {
            die(path);
        }
        close(out);
        seconds += now() - from;
        unlink(path);
        free(data);
        total += bytes;
    }
    printf("{\"bytes\": %llu, \"files\": %d, \"seconds\": %.6f}\n", (unsigned long long)total,
           count, seconds);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "read") == 0) {
        return limit_read(argv[2], atoi(argv[3]));
    }
    if (argc >= 3 && strcmp(argv[1], "write") == 0) {
        return limit_write(argv[2], argv + 3, argc - 3);
    }
    fprintf(stderr, "usage: limits read FILE THREADS | write FOLDER FILE...\n");
    return 2;
}
