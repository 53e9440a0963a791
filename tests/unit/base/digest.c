// Digests around the edges of their blocks; the sums are those of Python's hashlib.

#include "base/digest.h"

#include "runner.h"

static const struct {
    size_t bytes;  // Byte i is 7 * i + bytes.
    const char *md5;
    const char *sha1;
    const char *sha256;
} sums[] = {
    {0, "d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {1, "55a54008ad1ba589aa210d2629c1df41", "bf8b4530d8d246dd74ac53a13471bba17941dff7",
     "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"},
    {3, "c9aee4810523ef8658121b8d492c6b41", "4201de9f98cb0a9b8cf52398be7802b55d45266a",
     "6ab0dba1f4f1dfbb37b4f9eeb092c09fca4900ad32bdcd147d8dde35d6c87c35"},
    {55, "f1289732253518750e22b62a571a1748", "63ac9708fb581dd150d3647549f9e0cb51dcf1df",
     "81afe5b788dc2ce138ff83d9b20164db75a94d75d2b2432eea4a0ef605088c72"},
    {56, "179e3b9fa272a23e2a8b32bde1015414", "5a0c4d0eb2f15e05bbbff6b8dada9ae767fc03f0",
     "2aba54f0ac632420a2b502431408866e40e1d5e430df4cd822642c78ab2eb9c1"},
    {57, "d5f0a59aa9d6d8164d3754fb91f67809", "4e77d3077d2ab5167db3434c31cac3d15a3afc12",
     "903284efbf9100e8ba1614ec65eacacad125e03f857cae7acbf8b73b23e0fdfe"},
    {63, "dd785945d1d6b87eca0d276dbb8756fd", "d94ff3ad53f9b9327704b812ee9c1f3abbba3d48",
     "733d3d4ee79ee67145bf73da13588f6f235d37414fc64b14a2f00f1762792f5e"},
    {64, "e3ab394ce4eb7da020a27d2e2443143c", "5f55a35e13f1865e7ffc22dca1275b1a49b0ff56",
     "79322907b3e9d013d7dc2c2f256674dbf733045cde01df3539271c6f5605feb8"},
    {65, "28a6b0f918d9aea03e979a1657d8d0f6", "d7f8931010f8342a97383e1410a58c47d057708b",
     "d85c007c6eb440f085afa2b84f6f2bce4658b240e9f62cb1364bf0485a57e720"},
    {111, "d54c1b85b05a0800af2c6d01394f0421", "6f3940d34dd76944c03f3ba2825a385c92d8300e",
     "b41ae5233b9ec35d8576a032034d2857b667a618c7038714d727d4dae3aa2525"},
    {119, "d49720530a386a3191eac0dc840dd1bd", "774001b5ad1f46b40c48e1b94cb092c593ead25b",
     "6c87eedf096b345de205b702e5223b73b447a3207791ded3ea007ba15ed6736e"},
    {120, "8a440004b569286a42c722295ce1c5a6", "6ebf3111dc761f11b13f29df0484848785385973",
     "42500cf6a1e3936d6b9e0bcfe296d654b63255e525487d3634d0b15fde591c4d"},
    {128, "52cc29caecfd9380a2261a80c58e6787", "0a44ac02432f6ead67d86fcb70a4d8ce589e50ec",
     "489d55fea9a73af36b6dd0be7b4117d8e5683386d39544e8a44c99a87f368707"},
    {1000, "c3b2968d34e038455d14c8827156e193", "7461968a9edb9b418224f1acb305d2feeaa10ba5",
     "6b0df76627243d095b0c4400cb658b7e804dd03461cc03aee8fc8fe0bcada168"},
};

static const char *hex(mr_arena *arena, const uint8_t *data, size_t bytes) {
    mr_text text;
    mr_text_init(&text, arena);
    for (size_t i = 0; i < bytes; i++) {
        mr_text_addf(&text, "%02x", data[i]);
    }
    return mr_text_string(&text);
}

TEST(digest, block_edges) {
    mr_arena arena;
    mr_arena_init(&arena);
    for (size_t i = 0; i < MR_COUNT(sums); i++) {
        size_t bytes = sums[i].bytes;
        uint8_t *data = mr_arena_raw(&arena, bytes), sum[MR_DIGEST_SHA256_BYTES];
        for (size_t k = 0; k < bytes; k++) {
            data[k] = (uint8_t)(7 * k + bytes);
        }
        mr_digest_md5(data, bytes, sum);
        EXPECT_STR(hex(&arena, sum, MR_DIGEST_MD5_BYTES), sums[i].md5);
        mr_digest_sha1(data, bytes, sum);
        EXPECT_STR(hex(&arena, sum, MR_DIGEST_SHA1_BYTES), sums[i].sha1);
        mr_digest_sha256(data, bytes, sum);
        EXPECT_STR(hex(&arena, sum, MR_DIGEST_SHA256_BYTES), sums[i].sha256);
    }
    mr_arena_release(&arena);
}
