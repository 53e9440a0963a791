// Name: what a published file is called: <pipeline>-<incarnation>-<epoch>-<sink>-<number><ending>.
//
// Why: who wrote a file and in which epoch is in its name, so that two workers or two lives never
// meet in one file, a reader sees whole epochs only, and a fresh start removes what its pipeline
// wrote and no more.

#pragma once

#include "base/text.h"

typedef struct mr_name {
    mr_span pipeline;  // May hold '-' and '.'.
    uint64_t incarnation;
    uint64_t epoch;
    uint32_t sink;
    uint32_t number;
    mr_span ending;  // ".parquet"
} mr_name;

char *mr_name_make(const mr_name *name, mr_arena *arena);
// Takes a file's name apart (spans point into it); false when it is not one of ours.
bool mr_name_parse(mr_span file_name, mr_name *ret);
