// Ledger: a small file of rows of words, written whole: topics, settings, credentials.
//
// Why: what an administrator changes is small and rare; one file that is replaced whole is either
// the old or the new one after a power cut, and people can read it.
//
//   millrace topics 1          what it holds, and its version
//   topic orders 4 …           a row: words with a space between
//   end 8ac3e1f0               CRC32C of all before it
//
// A word's bytes beyond printable ASCII, spaces and "%" are "%XX"; the empty word is "%".
// Threads: none of its own.

#pragma once

#include "plat/plat.h"

typedef struct mr_ledger {
    mr_text text;
    bool in_row;
} mr_ledger;

typedef struct mr_ledger_row {
    const mr_span *words;
    uint32_t count;
} mr_ledger_row;

// In cx->arena.
void mr_ledger_begin(mr_ledger *ledger, const char *kind, mr_cx *cx);
void mr_ledger_row_begin(mr_ledger *ledger, const char *word);
void mr_ledger_word(mr_ledger *ledger, mr_span word);
void mr_ledger_number(mr_ledger *ledger, int64_t number);
// Replaces the file; durable when it returns.
mr_code mr_ledger_save(mr_ledger *ledger, const char *path, mr_cx *cx);
// *ret is in cx->arena; words end in NUL.
//   errors  MR_E_MISSING when there is no file; MR_E_CORRUPT
mr_code mr_ledger_load(const char *path, const char *kind, mr_ledger_row **ret, uint32_t *ret_count,
                       mr_cx *cx);
// A number in a row.  errors  MR_E_CORRUPT
mr_code mr_ledger_int(const mr_ledger_row *row, uint32_t word, int64_t *ret, mr_cx *cx);
