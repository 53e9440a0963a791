// Digest: MD5, SHA-1 and SHA-256 of one piece of memory, for the SQL functions of these names.
//
// Why here and not by a library: rows are short, and a library's call costs more than its rounds.
// Not for secrets: the rounds are plain, and MD5 and SHA-1 are broken as signatures.

#pragma once

#include "base/text.h"

#define MR_DIGEST_MD5_BYTES    16
#define MR_DIGEST_SHA1_BYTES   20
#define MR_DIGEST_SHA256_BYTES 32

void mr_digest_md5(const void *data, size_t bytes, uint8_t ret[MR_DIGEST_MD5_BYTES]);
void mr_digest_sha1(const void *data, size_t bytes, uint8_t ret[MR_DIGEST_SHA1_BYTES]);
void mr_digest_sha256(const void *data, size_t bytes, uint8_t ret[MR_DIGEST_SHA256_BYTES]);
