// Replays a fuzz target over kept inputs, without a fuzzing compiler.
//
// How: each file of the folders named on the command line is one input. An input that breaks the
// target ends the process (an assert or a sanitizer), after its name was printed.

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    static uint8_t data[1 << 20];
    size_t bytes = fread(data, 1, sizeof(data), file);
    fclose(file);
    // An exact copy, so that a sanitizer sees a read past the end.
    uint8_t *copy = malloc(bytes > 0 ? bytes : 1);
    for (size_t i = 0; i < bytes; i++) {
        copy[i] = data[i];
    }
    fprintf(stderr, "\r%s", path);
    LLVMFuzzerTestOneInput(copy, bytes);
    free(copy);
    return 0;
}

int main(int argc, char **argv) {
    unsigned files = 0;
    int failures = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (dir == NULL) {
            perror(argv[i]);
            return 1;
        }
        for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
            char path[4096];
            snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
            if (entry->d_type != DT_DIR) {
                failures += replay_file(path);
                files++;
            }
        }
        closedir(dir);
    }
    fprintf(stderr, "\rreplayed %u inputs\n", files);
    return failures > 0 || files == 0;
}
