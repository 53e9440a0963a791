// syncs: counts the syncs of a program that it is preloaded into (LD_PRELOAD), of any language.
//
// The count stands as a uint64_t in the file that BENCH_SYNCS names, and can be read while the
// program runs. Calls are passed on to the kernel unchanged.

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic uint64_t *count;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("BENCH_SYNCS");
    int file = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0 || ftruncate(file, sizeof(*count)) != 0) {
        return;
    }
    void *map = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    count = map == MAP_FAILED ? NULL : map;
    close(file);
}

static int counted(long call, int file) {
    if (count != NULL) {
        atomic_fetch_add(count, 1);
    }
    return (int)syscall(call, file);
}

int fdatasync(int file) {
    return counted(SYS_fdatasync, file);
}

int fsync(int file) {
    return counted(SYS_fsync, file);
}

int syncfs(int file) {
    return counted(SYS_syncfs, file);
}
