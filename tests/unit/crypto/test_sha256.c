// SPDX-License-Identifier: BSD-3-Clause
#include <openssl/sha.h>
#include <string.h>

#include "crypto/sha256.h"
#include "test.h"

static bool has_sha_ni(void)
{
    unsigned a = 7, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return b & 1u << 29;
}

static void known(const char *text, size_t repeat, const char *digest_hex)
{
    static const char digits[] = "0123456789abcdef";
    struct sha256 ctx;
    u8 digest[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1] = "";

    sha256_init(&ctx);
    for (size_t i = 0; i < repeat; i++)
        sha256_update(&ctx, text, strlen(text));
    sha256_final(&ctx, digest);
    for (size_t i = 0; i < SHA256_SIZE; i++)
        hex[2 * i] = digits[digest[i] >> 4], hex[2 * i + 1] = digits[digest[i] & 15];
    CHECK_STR(hex, digest_hex);
}

// The examples of FIPS 180-2, appendix B, and the empty message.
static void known_answers(void)
{
    known("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    known("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    known("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    known("aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Messages of random length, fed in random pieces at odd addresses, against OpenSSL.
static void random_messages(void)
{
    static u8 data[5000];
    u8 expected[SHA256_SIZE], actual[SHA256_SIZE];
    struct sha256 ctx;

    for (int round = 0; round < 2000; round++) {
        size_t start = test_random() % 16, size = test_random() % (sizeof(data) - 16), done = 0;
        for (size_t i = 0; i < sizeof(data); i += 7)
            data[i] = (u8)test_random();
        SHA256(data + start, size, expected);
        sha256_init(&ctx);
        while (done < size) {
            size_t n = MIN(size - done, (size_t)(test_random() % 200));
            sha256_update(&ctx, data + start + done, n);
            done += n;
        }
        sha256_final(&ctx, actual);
        CHECK(memcmp(actual, expected, sizeof(actual)) == 0);
        sha256(data + start, size, actual);
        CHECK(memcmp(actual, expected, sizeof(actual)) == 0);
    }
}

TEST(portable)
{
    sha256_select(false);
    known_answers();
    random_messages();
}

TEST(sha_ni_if_the_processor_has_it)
{
    sha256_select(has_sha_ni());
    known_answers();
    random_messages();
    sha256_select(false);
}
