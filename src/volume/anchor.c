// SPDX-License-Identifier: BSD-3-Clause
#include "volume/anchor.h"

#include <asm/errno.h>

#include "base/string.h"
#include "crypto/hmac.h"

void volume_anchor_key(const u8 key[32], u8 ret_anchor_key[32])
{
    static const char label[] = "occlum volume: freshness anchor";

    hmac_sha256(key, &(struct hmac_part){ label, sizeof(label) }, 1, ret_anchor_key);
}

static void authenticate(const u8 anchor_key[32], const struct volume_anchor *anchor, u8 ret_mac[32])
{
    hmac_sha256(anchor_key, &(struct hmac_part){ anchor, offsetof(struct volume_anchor, mac) }, 1, ret_mac);
}

void volume_anchor_seal(const u8 anchor_key[32], const u8 uuid[16], u64 generation, const u8 root_tag[16],
                        struct volume_anchor *ret_anchor)
{
    memset(ret_anchor, 0, sizeof(*ret_anchor));
    memcpy(ret_anchor->magic, VOLUME_ANCHOR_MAGIC, sizeof(ret_anchor->magic));
    ret_anchor->generation = generation;
    memcpy(ret_anchor->uuid, uuid, sizeof(ret_anchor->uuid));
    memcpy(ret_anchor->root_tag, root_tag, sizeof(ret_anchor->root_tag));
    authenticate(anchor_key, ret_anchor, ret_anchor->mac);
}

static bool verifies(const u8 anchor_key[32], const struct volume_anchor *anchor)
{
    u8 mac[32], differs = 0;

    authenticate(anchor_key, anchor, mac);
    for (size_t i = 0; i < sizeof(mac); i++)
        differs |= mac[i] ^ anchor->mac[i];
    return !differs && memcmp(anchor->magic, VOLUME_ANCHOR_MAGIC, sizeof(anchor->magic)) == 0;
}

int volume_anchor_judge(const u8 anchor_key[32], const struct volume_anchor slots[VOLUME_ANCHOR_SLOTS],
                        const struct volume_info *info)
{
    const struct volume_anchor *newest = NULL;

    for (size_t i = 0; i < VOLUME_ANCHOR_SLOTS; i++)
        if (verifies(anchor_key, &slots[i]) && (!newest || slots[i].generation > newest->generation))
            newest = &slots[i];
    if (!newest)
        return -ENODATA;
    if (memcmp(newest->uuid, info->uuid, sizeof(newest->uuid)) != 0)
        return -ESTALE;
    const u8 *here = NULL;
    if (info->generation == newest->generation)
        here = info->root_tag;
    else if (info->generation == newest->generation + 1)
        here = info->previous_tag;
    return here && memcmp(here, newest->root_tag, sizeof(newest->root_tag)) == 0 ? 0 : -ESTALE;
}
