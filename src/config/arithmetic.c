// SPDX-License-Identifier: BSD-3-Clause
// From Occlum.json to the values of Enclave.xml: the table of edmm.md section 2.
#include <errno.h>

#include "base/checked.h"
#include "config/config.h"

#define HEAP_MAX_DEFAULT MIB(1024)
#define USER_MAX_DEFAULT GIB(16)
#define TCS_INIT_DEFAULT 16ull
#define TCS_MAX_DEFAULT 4096ull
#define EXTRA_USER_REGION GIB(1)

static const u64 large_commit = GIB(4); // Note 2 of the guide: worth a warning

static u64 own_maximum(const struct config_scalar *maximum, const struct config_scalar *initial)
{
    return maximum->given ? maximum->value : initial->value;
}

static void static_memory(const struct occlum_json *json, struct config_xml *xml)
{
    xml->heap_init = xml->heap_max = own_maximum(&json->heap_max_size, &json->heap_size);
    xml->tcs_num = xml->tcs_max = json->max_threads.value;
    xml->user_max = xml->reserved_init = own_maximum(&json->user_max_size, &json->user_size);
}

static void dynamic_memory(const struct occlum_json *json, struct config_xml *xml)
{
    bool enforce = json->enforce_max_limits.value;
    u64 heap = own_maximum(&json->heap_max_size, &json->heap_size),
        user = own_maximum(&json->user_max_size, &json->user_size);
    u64 threads = json->init_threads.given ? json->init_threads.value : json->max_threads.value;
    xml->heap_init = json->heap_size.value;
    xml->heap_max = enforce ? heap : MAX(heap, HEAP_MAX_DEFAULT);
    xml->tcs_num = MIN(threads, TCS_INIT_DEFAULT);
    xml->tcs_max = enforce ? json->max_threads.value : MAX(json->max_threads.value, TCS_MAX_DEFAULT);
    xml->user_max = enforce ? user : MAX(user, USER_MAX_DEFAULT);
    xml->reserved_init = json->user_size.value;
    xml->misc_select = 1; // EXINFO: page faults tell their address (SDM, MISCSELECT)
    xml->misc_mask = UINT32_MAX;
}

static void identity(const struct occlum_json *json, struct config_xml *xml)
{
    xml->prod_id = json->product_id.value;
    xml->isv_svn = json->version_number.value;
    xml->disable_debug = !json->debuggable.value;
    xml->pkru = json->pkru.value;
    xml->amx = json->amx.value;
    xml->enable_kss = json->enable_kss.value;
    if (!xml->enable_kss)
        return;
    xml->ext_prod_id_high = json->ext_prod_id_high.value;
    xml->ext_prod_id_low = json->ext_prod_id_low.value;
    xml->family_id_high = json->family_id_high.value;
    xml->family_id_low = json->family_id_low.value;
}

#define LL(x) ((unsigned long long)(x))

static void check_order(const struct occlum_json *json, const struct config_xml *xml, struct config_errors *errors)
{
    if (json->user_size.value > xml->user_max)
        config_error(errors, json->user_size.pos,
                     "resource_limits.user_space_size: found %llu bytes; expected at most the maximum, %llu",
                     LL(json->user_size.value), LL(xml->user_max));
    if (xml->heap_init > xml->heap_max)
        config_error(errors, json->heap_size.pos,
                     "resource_limits.kernel_space_heap_size: found %llu bytes; expected at most the maximum, %llu",
                     LL(xml->heap_init), LL(xml->heap_max));
    if (json->max_threads.given && xml->tcs_num > xml->tcs_max)
        config_error(errors, json->init_threads.pos,
                     "resource_limits.init_num_of_threads: found %llu threads at start; expected at most %llu",
                     LL(xml->tcs_num), LL(xml->tcs_max));
}

static void warn_small_user_space(const struct occlum_json *json, const struct config_xml *xml,
                                  struct config_errors *errors)
{
    u64 need;
    if (add_overflow_u64(json->default_stack_size.value, json->default_heap_size.value, &need) || need > xml->user_max)
        config_warning(errors, json->default_stack_size.pos,
                       "process: default_stack_size and default_heap_size together exceed the user memory of %llu MB: "
                       "programs may not start",
                       LL(xml->user_max >> 20));
}

static void warn_static(const struct occlum_json *json, const struct config_memory *memory,
                        struct config_errors *errors)
{
    if (json->heap_max_size.given && json->heap_max_size.value < json->heap_size.value)
        config_warning(
            errors, json->heap_max_size.pos,
            "resource_limits.kernel_space_heap_max_size: is below kernel_space_heap_size and replaces it without EDMM");
    if (memory->committed >= large_commit)
        config_warning(errors, json->user_size.pos,
                       "without EDMM all of %llu MB is committed at start: slow, and it may not load",
                       LL(memory->committed >> 20));
}

static void warn_dynamic(const struct occlum_json *json, struct config_errors *errors)
{
    if (json->init_threads.given && json->init_threads.value > TCS_INIT_DEFAULT)
        config_warning(errors, json->init_threads.pos, "resource_limits.init_num_of_threads: %llu is capped to %llu",
                       LL(json->init_threads.value), TCS_INIT_DEFAULT);
    if (json->enforce_max_limits.given) // the file says which of the two is meant
        return;
    if (json->heap_max_size.given && json->heap_max_size.value < HEAP_MAX_DEFAULT)
        config_warning(errors, json->heap_max_size.pos,
                       "resource_limits.kernel_space_heap_max_size: raised to the default of 1GB; "
                       "feature.enforce_max_limits keeps it");
    if (json->user_max_size.given && json->user_max_size.value < USER_MAX_DEFAULT)
        config_warning(
            errors, json->user_max_size.pos,
            "resource_limits.user_space_max_size: raised to the default of 16GB; feature.enforce_max_limits keeps it");
}

// Where the largest part stands: of three that exceed 2^46 together one exceeds 2^44.
static struct json_pos largest(const struct occlum_json *json, const struct config_xml *xml)
{
    const struct config_scalar *user = json->user_max_size.given ? &json->user_max_size : &json->user_size;
    const struct config_scalar *heap = json->heap_max_size.given ? &json->heap_max_size : &json->heap_size;
    if (xml->user_max > 1ull << 44)
        return user->pos;
    return xml->heap_max > 1ull << 44 ? heap->pos : json->max_threads.pos;
}

int config_xml_compute(const struct occlum_json *json, bool edmm, struct config_errors *errors,
                       struct config_xml *ret_xml)
{
    struct config_xml xml = { .stack_max = json->stack_size.value,
                              .stack_min = json->stack_size.value,
                              .reserved_executable = 1 };
    struct config_memory memory = { 0 };
    unsigned before = errors->count;
    identity(json, &xml);
    if (edmm)
        dynamic_memory(json, &xml);
    else
        static_memory(json, &xml);
    xml.heap_min = xml.heap_init;
    xml.tcs_min_pool = xml.tcs_num;
    xml.reserved_max = xml.reserved_min = xml.reserved_init;
    check_order(json, &xml, errors);
    bool fits = true;
    if (edmm) {
        u64 extra = xml.user_max == json->user_size.value ? 0 : EXTRA_USER_REGION;
        fits = !add_overflow_u64(xml.user_max, extra, &xml.user_region);
    }
    if (!fits || config_memory_compute(&xml, &(struct config_binary){ 0 }, &memory))
        config_error(errors, largest(json, &xml),
                     "resource_limits: found maxima beyond 2^46 bytes in total; expected an enclave below that");
    if (errors->count > before)
        return -EINVAL;
    if (edmm && !errors->count)
        warn_dynamic(json, errors);
    else if (!errors->count)
        warn_static(json, &memory, errors);
    if (!errors->count)
        warn_small_user_space(json, &xml, errors);
    *ret_xml = xml;
    return 0;
}
