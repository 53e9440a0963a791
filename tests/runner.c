// Test runner: registers, filters, runs and counts tests; see runner.h.

#include "runner.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    mr_test *first;
    mr_test **end;
    const mr_test *current;
    unsigned checks_failed;  // In the current test; checks may run on other threads.
} runner = {.end = &runner.first};

void mr_test_register(mr_test *test) {
    *runner.end = test;
    runner.end = &test->next;
}

// Says where, and counts. Always false, for the checks to return.
static bool failed(mr_test_site at) {
    __atomic_fetch_add(&runner.checks_failed, 1, __ATOMIC_RELAXED);
    printf("%s:%d: %s.%s: ", at.file, at.line, runner.current->suite, runner.current->name);
    return false;
}

static void print_int(__int128 value) {
    char digits[48];
    char *at = digits + sizeof(digits) - 1;
    unsigned __int128 rest = (unsigned __int128)value;
    if (value < 0) {
        rest = 0 - rest;
    }
    *at = '\0';
    do {
        *--at = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    printf("%s%s", value < 0 ? "-" : "", at);
}

static void print_value(mr_test_value value) {
    switch (value.kind) {
    case MR_TEST_INT: print_int(value.integer); break;
    case MR_TEST_FLOAT: printf("%.17g", value.real); break;
    case MR_TEST_POINTER: printf("%p", value.pointer); break;
    }
}

static double real_of(mr_test_value value) {
    return value.kind == MR_TEST_FLOAT ? value.real : (double)value.integer;
}

bool mr_test_check(mr_test_site at, bool ok) {
    if (ok) {
        return true;
    }
    failed(at);
    printf("expected %s\n", at.left);
    return false;
}

bool mr_test_equal(mr_test_site at, mr_test_value left, mr_test_value right) {
    bool equal;
    if (left.kind == MR_TEST_POINTER || right.kind == MR_TEST_POINTER) {
        // A literal 0 is an int, and means NULL beside a pointer.
        equal = left.kind == right.kind ? left.pointer == right.pointer
                                        : left.pointer == NULL && right.pointer == NULL &&
                                              left.integer == 0 && right.integer == 0;
    } else if (left.kind == MR_TEST_FLOAT || right.kind == MR_TEST_FLOAT) {
        double a = real_of(left), b = real_of(right);
        equal = a == b || (a != a && b != b);
    } else {
        equal = left.integer == right.integer;
    }
    if (equal) {
        return true;
    }
    failed(at);
    printf("%s is ", at.left);
    print_value(left);
    printf(", expected %s = ", at.right);
    print_value(right);
    printf("\n");
    return false;
}

bool mr_test_text(mr_test_site at, const char *left, const char *right) {
    if (left == right || (left != NULL && right != NULL && strcmp(left, right) == 0)) {
        return true;
    }
    failed(at);
    printf("%s is\n    \"%s\", expected\n    \"%s\"\n", at.left, left == NULL ? "(null)" : left,
           right == NULL ? "(null)" : right);
    return false;
}

bool mr_test_code(mr_test_site at, int code) {
    if (code == 0) {
        return true;
    }
    failed(at);
    printf("%s failed with code %d\n", at.left, code);
    return false;
}

bool mr_test_bytes(mr_test_site at, const void *left, const void *right, size_t bytes) {
    const unsigned char *a = left, *b = right;
    for (size_t i = 0; i < bytes; i++) {
        if (a[i] != b[i]) {
            failed(at);
            printf("%s and %s differ at byte %zu of %zu: 0x%02x, expected 0x%02x\n", at.left,
                   at.right, i, bytes, a[i], b[i]);
            return false;
        }
    }
    return true;
}

static int open_fds(void) {
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir != NULL && readdir(dir) != NULL) {
        count++;
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return count;
}

// An assert that fails ends the process: name the test before it goes.
static void on_abort(int signal_number) {
    const mr_test *test = runner.current;
    if (test != NULL) {
        fflush(stdout);
        fprintf(stderr, "aborted in test %s.%s\n", test->suite, test->name);
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static bool run_one(const mr_test *test) {
    struct timespec from, to;
    int fds = open_fds();
    runner.current = test;
    runner.checks_failed = 0;
    clock_gettime(CLOCK_MONOTONIC, &from);
    test->run();
    clock_gettime(CLOCK_MONOTONIC, &to);
    int fds_after = open_fds();
    if (fds_after > fds) {
        failed((mr_test_site){"tests/runner.c", __LINE__, NULL, NULL});
        printf("leaves %d file descriptors open\n", fds_after - fds);
    }
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    if (seconds > 2.0) {
        printf("slow: %s.%s took %.1f s\n", test->suite, test->name, seconds);
    }
    return __atomic_load_n(&runner.checks_failed, __ATOMIC_RELAXED) == 0;
}

int main(int argc, char **argv) {
    const char *filter = "";
    bool list = false;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "T=", 2) == 0) {
            filter = argv[i] + 2;
        } else if (strcmp(argv[i], "-l") == 0) {
            list = true;
        } else {
            fprintf(stderr, "usage: %s [-l] [T=substring]\n", argv[0]);
            return 2;
        }
    }
    signal(SIGABRT, on_abort);
    setvbuf(stdout, NULL, _IOLBF, 0);
    unsigned passed = 0, failures = 0;
    for (const mr_test *test = runner.first; test != NULL; test = test->next) {
        char name[256];
        snprintf(name, sizeof(name), "%s.%s", test->suite, test->name);
        if (strstr(name, filter) == NULL) {
            continue;
        }
        if (list) {
            printf("%s\n", name);
        } else if (run_one(test)) {
            passed++;
        } else {
            failures++;
        }
    }
    if (list) {
        return 0;
    }
    printf("%u passed, %u failed\n", passed, failures);
    return failures > 0 || passed == 0;
}
