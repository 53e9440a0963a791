// What a sync of many files costs, by how it is asked for: why src/log/flush.c does as it does.
//
//   sync FOLDER [ROUNDS]
// A round writes 4 KiB to the end of each file and makes all of it durable; printed is the median
// of the rounds in milliseconds. Ways: one fdatasync after the other; the same from 16 threads; one
// syncfs. For one file also with its room reserved (fallocate, size kept) and with its blocks
// written before.

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WRITE_BYTES = 4096, FILES_MAX = 1000, THREADS = 16 };

typedef enum way { IN_A_ROW, THREADED, SYNCFS, RESERVED, WRITTEN } way;
static const char *const names[] = {"fdatasync in a row", "fdatasync from 16 threads", "syncfs",
                                    "fdatasync, room reserved", "fdatasync, written before"};

static int files[FILES_MAX];
static int file_count, folder;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void *sync_part(void *argument) {
    for (int i = (int)(long)argument; i < file_count; i += THREADS) {
        if (fdatasync(files[i]) != 0) {
            die("fdatasync");
        }
    }
    return NULL;
}

static void sync_all(way how) {
    if (how == SYNCFS) {
        if (syncfs(folder) != 0) {
            die("syncfs");
        }
        return;
    }
    if (how != THREADED) {
        for (int i = 0; i < file_count; i++) {
            if (fdatasync(files[i]) != 0) {
                die("fdatasync");
            }
        }
        return;
    }
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, sync_part, (void *)i) != 0) {
            die("pthread_create");
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure(const char *path, int count, way how, int rounds) {
    static char block[WRITE_BYTES];
    double took[1000];
    file_count = count;
    for (int i = 0; i < count; i++) {
        char name[4096];
        snprintf(name, sizeof(name), "%s/f%d", path, i);
        files[i] = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
        off_t all = (off_t)rounds * WRITE_BYTES;
        if (files[i] < 0 ||
            (how == RESERVED && fallocate(files[i], FALLOC_FL_KEEP_SIZE, 0, all) != 0)) {
            die(name);
        }
        for (off_t at = 0; how == WRITTEN && at < all; at += WRITE_BYTES) {
            if (pwrite(files[i], block, sizeof(block), at) < 0) {
                die(name);
            }
        }
        fsync(files[i]);
    }
    for (int r = 0; r < rounds; r++) {
        double begin = now_ms();
        memset(block, r + 1, sizeof(block));
        for (int i = 0; i < count; i++) {
            if (pwrite(files[i], block, sizeof(block), (off_t)r * WRITE_BYTES) != WRITE_BYTES) {
                die("pwrite");
            }
        }
        sync_all(how);
        took[r] = now_ms() - begin;
    }
    qsort(took, (size_t)rounds, sizeof(*took), compare);
    printf("%5d  %-26s %8.2f ms  (%.2f .. %.2f)\n", count, names[how], took[rounds / 2], took[0],
           took[rounds - 1]);
    for (int i = 0; i < count; i++) {
        char name[4096];
        close(files[i]);
        snprintf(name, sizeof(name), "%s/f%d", path, i);
        unlink(name);
    }
}

int main(int argc, char **argv) {
    int rounds = argc > 2 ? atoi(argv[2]) : 20;
    if (argc < 2 || rounds < 1 || rounds > 1000) {
        fprintf(stderr, "usage: sync FOLDER [ROUNDS]   (1 .. 1000)\n");
        return 2;
    }
    folder = open(argv[1], O_RDONLY | O_DIRECTORY);
    if (folder < 0) {
        die(argv[1]);
    }
    measure(argv[1], 1, IN_A_ROW, rounds);
    measure(argv[1], 1, RESERVED, rounds);
    measure(argv[1], 1, WRITTEN, rounds);
    static const int counts[] = {4, 100, FILES_MAX};
    for (int i = 0; i < 3; i++) {
        for (way how = IN_A_ROW; how <= SYNCFS; how++) {
            measure(argv[1], counts[i], how, rounds);
        }
    }
    return 0;
}
