// SPDX-License-Identifier: BSD-3-Clause
#include "base/string.h"
#include "fake.h"
#include "libos/mem/heap.h"

static union {
    struct occlum_config config;
    u8 bytes[2048];
} blob;
static u32 used;

static void make_list(struct occlum_string_list *list, const char *const *texts)
{
    u32 count = 0;
    while (texts[count])
        count++;
    *list = (struct occlum_string_list){ .offset = used, .count = count };
    u32 *offsets = (u32 *)(blob.bytes + used);
    used += count * 4;
    for (u32 i = 0; i < count; i++) {
        offsets[i] = used;
        memcpy(blob.bytes + used, texts[i], strlen(texts[i]) + 1);
        used += ALIGN_UP((u32)strlen(texts[i]) + 1, 4);
    }
}

static const struct occlum_config *make(const char *const *entries, const char *const *defaults,
                                        const char *const *untrusted)
{
    memset(&blob, 0, sizeof(blob));
    used = sizeof(blob.config);
    make_list(&blob.config.entry_points, entries);
    make_list(&blob.config.env_default, defaults);
    make_list(&blob.config.env_untrusted, untrusted);
    return &blob.config;
}

#define LIST(...) \
    (const char *const[]) { __VA_ARGS__ __VA_OPT__(, ) NULL }

TEST(entry_points)
{
    static const struct {
        const char *path;
        bool allowed;
    } table[] = {
        { "/bin/ls", true },        { "/bin", true },     { "/binary", false }, { "/opt/app/run", true },
        { "/opt/apple", false },    { "bin/ls", false },  { "", false },        { "/", false },
        { "/bin/../etc/x", false }, { "/bin/..", false }, { "/bin/..x", true }, { "/usr/bin/ls", false },
    };
    const struct occlum_config *config = make(LIST("/bin", "/opt/app/"), LIST(), LIST());
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        CHECK_EQ(entry_point_allowed(config, table[i].path), table[i].allowed);
    CHECK(entry_point_allowed(make(LIST("/"), LIST(), LIST()), "/any/thing"));
    CHECK(!entry_point_allowed(make(LIST(""), LIST(), LIST()), "/any/thing"));
    CHECK(!entry_point_allowed(make(LIST(), LIST(), LIST()), "/bin/ls"));
}

TEST(environment)
{
    char *host[] = { (char[]){ "HOME=/evil" },   (char[]){ "PATH=/evil" }, (char[]){ "TZ=UTC" },
                     (char[]){ "LD_PRELOAD=x" }, (char[]){ "LANG" },       NULL };
    char **env =
        environment_make(make(LIST("/bin"), LIST("PATH=/bin", "HOME=/root"), LIST("HOME", "TZ", "LANG", "NONE")), host);
    CHECK(env);
    CHECK_STR(env[0], "PATH=/bin");  // not named: the host has no say
    CHECK_STR(env[1], "HOME=/evil"); // named: the host's value wins
    CHECK_STR(env[2], "TZ=UTC");
    CHECK(!env[3]); // LD_PRELOAD is not named, LANG has no value
    kfree(env);
}
