// SPDX-License-Identifier: BSD-3-Clause
#include <asm/errno.h>

#include "base/string.h"
#include "crypto/hmac.h"
#include "volume/volume_impl.h"

static void vectors(const struct volume *v, bool begin)
{
    void (*hook)(void) = begin ? v->env->vector_begin : v->env->vector_end;
    if (hook)
        hook();
}

static void set_iv(u8 iv[GCM_IV_BYTES], u64 counter)
{
    memset(iv, 0, GCM_IV_BYTES);
    memcpy(iv, &counter, sizeof(counter));
}

static void derive(const struct volume *v, const u8 salt[16], struct session_key *key)
{
    static const char label[] = "occlum volume session 1";
    const struct hmac_part parts[] = { { label, sizeof(label) }, { v->uuid, 16 }, { salt, 16 } };
    u8 secret[SHA256_SIZE];

    hmac_sha256(v->master, parts, ARRAY_SIZE(parts), secret);
    gcm_key_init(&key->key, secret);
    memset(secret, 0, sizeof(secret));
    barrier();
    memcpy(key->salt, salt, 16);
    key->valid = true;
}

// Vector registers may be used.
static const struct gcm_key *session(struct volume *v, const u8 salt[16])
{
    struct session_key *oldest = &v->keys[0], *found = NULL;

    for (size_t i = 0; i < SESSION_KEYS && !found; i++) {
        struct session_key *key = &v->keys[i];
        if (key->valid && memcmp(key->salt, salt, 16) == 0)
            found = key;
        else if (!key->valid || (oldest->valid && key->last_use < oldest->last_use))
            oldest = key;
    }
    if (!found) {
        derive(v, salt, oldest);
        found = oldest;
    }
    found->last_use = ++v->key_clock;
    return &found->key;
}

void crypt_init(struct volume *v)
{
    v->env->random(v->salt, sizeof(v->salt));
    v->counter = 0;
}

void crypt_forget_keys(struct volume *v)
{
    for (size_t i = 0; i < SESSION_KEYS; i++) {
        gcm_key_wipe(&v->keys[i].key);
        v->keys[i].valid = false;
    }
}

void crypt_wipe(struct volume *v)
{
    memset(v->master, 0, sizeof(v->master));
    barrier();
    if (v->keys)
        crypt_forget_keys(v);
}

static struct volume_aad aad_of(const struct volume *v, u32 level, u64 index)
{
    struct volume_aad aad = { .level = level, .index = index };
    memcpy(aad.uuid, v->uuid, sizeof(aad.uuid));
    return aad;
}

void crypt_seal_block(struct volume *v, u32 level, u64 index, const void *in, void *out, struct volume_entry *ret_entry)
{
    struct volume_aad aad = aad_of(v, level, index);
    u8 iv[GCM_IV_BYTES];

    ret_entry->counter = v->counter++;
    memcpy(ret_entry->salt, v->salt, sizeof(v->salt));
    set_iv(iv, ret_entry->counter);
    vectors(v, true);
    gcm_seal(session(v, v->salt), iv, &aad, sizeof(aad), in, VOLUME_BLOCK, out, ret_entry->tag);
    vectors(v, false);
}

int crypt_open_block(struct volume *v, u32 level, u64 index, const struct volume_entry *entry, const void *in,
                     void *out)
{
    struct volume_aad aad = aad_of(v, level, index);
    u8 iv[GCM_IV_BYTES];

    set_iv(iv, entry->counter);
    vectors(v, true);
    int err = gcm_open(session(v, entry->salt), iv, &aad, sizeof(aad), in, VOLUME_BLOCK, out, entry->tag);
    vectors(v, false);
    return err;
}

void crypt_seal_super(struct volume *v, struct volume_super *super)
{
    struct volume_super_header *header = &super->header;
    u8 iv[GCM_IV_BYTES], tag[GCM_TAG_BYTES];

    *header = (struct volume_super_header){ .version = VOLUME_VERSION, .block_size = VOLUME_BLOCK };
    memcpy(header->magic, VOLUME_MAGIC, sizeof(header->magic));
    memcpy(header->uuid, v->uuid, sizeof(header->uuid));
    memcpy(header->salt, v->salt, sizeof(header->salt));
    header->counter = v->counter++;
    set_iv(iv, header->counter);
    vectors(v, true);
    gcm_seal(session(v, v->salt), iv, header, sizeof(*header), &super->body, sizeof(super->body), &super->body, tag);
    vectors(v, false);
    memcpy(header->tag, tag, sizeof(tag));
}

int crypt_open_super(struct volume *v, struct volume_super *super)
{
    u8 iv[GCM_IV_BYTES], tag[GCM_TAG_BYTES];

    memcpy(tag, super->header.tag, sizeof(tag));
    memset(super->header.tag, 0, sizeof(super->header.tag));
    memcpy(v->uuid, super->header.uuid, sizeof(v->uuid));
    set_iv(iv, super->header.counter);
    vectors(v, true);
    int err = gcm_open(session(v, super->header.salt), iv, &super->header, sizeof(super->header), &super->body,
                       sizeof(super->body), &super->body, tag);
    vectors(v, false);
    return err;
}
