// SPDX-License-Identifier: BSD-3-Clause
#include "libos/net/resolv_text.h"
#include "test.h"

static char made[RESOLV_MAX + 1];

static const char *of(const char *from)
{
    size_t n = resolv_text(from, __builtin_strlen(from), made);
    made[n] = '\0';
    return made;
}

TEST(what_is_understood_stays)
{
    CHECK_STR(of("nameserver 10.0.0.1\n"), RESOLV_MARK "nameserver 10.0.0.1\n");
    CHECK_STR(of("# a\n;b\n\nsearch a.example  b.example\nnameserver\t::1%eth0\noptions ndots:2 edns0"),
              RESOLV_MARK "search a.example b.example\nnameserver ::1%eth0\noptions ndots:2 edns0\n");
    CHECK_STR(of("nameserver 1.1.1.1 trailing words\n"), RESOLV_MARK "nameserver 1.1.1.1\n");
}

TEST(what_is_not_goes)
{
    CHECK_STR(of(""), "");
    CHECK_STR(of("search example\n"), ""); // no nameserver
    CHECK_STR(of("nameserver\nnameserver ;rm\nnameserver \"1.1.1.1\"\n"), "");
    CHECK_STR(of("include /etc/passwd\nnameserver 1.1.1.1\nsearch a\033[0mb\n"), RESOLV_MARK "nameserver 1.1.1.1\n");
    CHECK_STR(of("nameserver 1\nnameserver 2\nnameserver 3\nnameserver 4\n"),
              RESOLV_MARK "nameserver 1\nnameserver 2\nnameserver 3\n");
}

TEST(any_bytes)
{
    static const char words[][12] = {
        "nameserver", "search", "options", " ", "\n", "\t", "1.2.3.4", "a", "\\", "domain"
    };
    static char text[8192];

    for (int run = 0; run < 3000; run++) {
        size_t size = 0, most = test_random() % sizeof(text);
        while (size + 12 < most) {
            if (test_random() % 8) {
                const char *word = words[test_random() % ARRAY_SIZE(words)];
                size_t n = __builtin_strlen(word);
                __builtin_memcpy(text + size, word, n);
                size += n;
            } else {
                text[size++] = (char)test_random();
            }
        }
        size_t n = resolv_text(text, size, made);
        CHECK(n <= RESOLV_MAX);
        for (size_t i = 0; i < n; i++)
            CHECK(made[i] == '\n' || (made[i] >= ' ' && made[i] < 127));
        CHECK(!n || made[n - 1] == '\n');
    }
}
