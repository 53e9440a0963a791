// Function list, rows of digests, characters and encodings of text; included by sql/function_list.h
// only.

#pragma once

#define MR_FUNCTIONS_STRING(X)                                                                  \
    /* Digests, in hexadecimal digits. */                                                       \
    X(MD5, "md5", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE,                                   \
      "MD5 of the text, in hexadecimal digits.", "md5('abc')")                                  \
    X(MD5_BYTES, "md5", MR_FN_PURE, TEXT, BYTES, NULLTYPE, NULLTYPE,                            \
      "MD5 of the bytes, in hexadecimal digits.", "md5('abc'::bytea)")                          \
    X(SHA1, "sha1", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE,                                 \
      "SHA-1 of the text, in hexadecimal digits.", "sha1('abc')")                               \
    X(SHA1_BYTES, "sha1", MR_FN_PURE, TEXT, BYTES, NULLTYPE, NULLTYPE,                          \
      "SHA-1 of the bytes, in hexadecimal digits.", "sha1('abc'::bytea)")                       \
    X(SHA256, "sha256", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE,                             \
      "SHA-256 of the text, in hexadecimal digits.", "sha256('abc')")                           \
    X(SHA256_BYTES, "sha256", MR_FN_PURE, TEXT, BYTES, NULLTYPE, NULLTYPE,                      \
      "SHA-256 of the bytes, in hexadecimal digits.", "sha256('abc'::bytea)")                   \
    /* Characters. */                                                                           \
    X(ASCII, "ascii", MR_FN_PURE, INT32, TEXT, NULLTYPE, NULLTYPE,                              \
      "Code point of the first character; 0 for an empty text.", "ascii('a')")                  \
    X(UNICODE, "unicode", MR_FN_PURE, INT32, TEXT, NULLTYPE, NULLTYPE,                          \
      "Code point of the first character; -1 for an empty text.", "unicode('a')")               \
    X(CHR, "chr", MR_FN_FALLIBLE, TEXT, INT32, NULLTYPE, NULLTYPE,                              \
      "The character of a code point.", "chr(233)")                                             \
    X(TRANSLATE, "translate", MR_FN_PURE, TEXT, TEXT, TEXT, TEXT,                               \
      "Each character of the second text becomes the one at its place in the third, or goes.",  \
      "translate('abc', 'ab', 'x')")                                                            \
    X(INITCAP, "initcap", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE,                           \
      "Each word with its first letter in upper case and the others in lower case; "            \
      "PostgreSQL's, which DuckDB lacks.",                                                      \
      "initcap('hello wORLD')")                                                                 \
    X(BIT_LENGTH, "bit_length", MR_FN_PURE, INT64, TEXT, NULLTYPE, NULLTYPE, "Number of bits.", \
      "bit_length('abc')")                                                                      \
    X(OCTET_LENGTH, "octet_length", MR_FN_PURE, INT64, TEXT, NULLTYPE, NULLTYPE,                \
      "Number of bytes; PostgreSQL's for a text (DuckDB: strlen).", "octet_length('abc')")      \
    X(OCTET_LENGTH_BYTES, "octet_length", MR_FN_PURE, INT64, BYTES, NULLTYPE, NULLTYPE,         \
      "Number of bytes.", "octet_length('abc'::bytea)")                                         \
    X(LEVENSHTEIN, "levenshtein", MR_FN_FALLIBLE, INT64, TEXT, TEXT, NULLTYPE,                  \
      "Least number of bytes to insert, delete or change on the way from one text to the "      \
      "other.",                                                                                 \
      "levenshtein('kitten', 'sitting')")                                                       \
    /* Encodings. */                                                                            \
    X(HEX, "hex", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE,                                   \
      "Bytes of the text in hexadecimal digits.", "hex('abc')")                                 \
    X(HEX_BYTES, "hex", MR_FN_PURE, TEXT, BYTES, NULLTYPE, NULLTYPE,                            \
      "Bytes in hexadecimal digits.", "hex('abc'::bytea)")                                      \
    X(HEX_INT64, "hex", MR_FN_PURE, TEXT, INT64, NULLTYPE, NULLTYPE,                            \
      "Number in hexadecimal digits; a negative one as 64 bits.", "hex(255)")                   \
    X(UNHEX, "unhex", MR_FN_FALLIBLE, BYTES, TEXT, NULLTYPE, NULLTYPE,                          \
      "Bytes from hexadecimal digits.", "unhex('616263')")                                      \
    X(BIN, "bin", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE,                                   \
      "Bytes of the text in binary digits.", "bin('a')")                                        \
    X(BIN_INT64, "bin", MR_FN_PURE, TEXT, INT64, NULLTYPE, NULLTYPE,                            \
      "Number in binary digits; a negative one as 64 bits.", "bin(5)")                          \
    X(ENCODE, "encode", MR_FN_PURE, BYTES, TEXT, NULLTYPE, NULLTYPE, "The text's UTF-8 bytes.", \
      "encode('abc')")                                                                          \
    X(DECODE, "decode", MR_FN_FALLIBLE, TEXT, BYTES, NULLTYPE, NULLTYPE,                        \
      "The text of UTF-8 bytes.", "decode('abc'::bytea)")                                       \
    X(ENCODE_FORMAT, "encode", MR_FN_FALLIBLE, TEXT, BYTES, TEXT, NULLTYPE,                     \
      "Bytes as text in the format 'hex' or 'base64'; PostgreSQL's, which DuckDB lacks.",       \
      "encode('abc'::bytea, 'hex')")                                                            \
    X(DECODE_FORMAT, "decode", MR_FN_FALLIBLE, BYTES, TEXT, TEXT, NULLTYPE,                     \
      "Bytes from text in the format 'hex' or 'base64'; PostgreSQL's, which DuckDB lacks.",     \
      "decode('616263', 'hex')")                                                                \
    X(TO_BASE64, "to_base64", MR_FN_PURE, TEXT, BYTES, NULLTYPE, NULLTYPE, "Bytes in base64.",  \
      "to_base64('abc'::bytea)")                                                                \
    X(FROM_BASE64, "from_base64", MR_FN_FALLIBLE, BYTES, TEXT, NULLTYPE, NULLTYPE,              \
      "Bytes from base64.", "from_base64('YWJj')")                                              \
    X(URL_ENCODE, "url_encode", MR_FN_PURE, TEXT, TEXT, NULLTYPE, NULLTYPE,                     \
      "Text with all but letters, digits and -._~ as %XX.", "url_encode('a b')")                \
    X(URL_DECODE, "url_decode", MR_FN_FALLIBLE, TEXT, TEXT, NULLTYPE, NULLTYPE,                 \
      "Text with %XX as bytes; they must make UTF-8.", "url_decode('a%20b')")
