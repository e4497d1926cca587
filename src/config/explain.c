// SPDX-License-Identifier: BSD-3-Clause
// What occlum config says beyond the warnings of a build: values that are legal and yet not what they seem.
#include "config/config.h"

#define LL(x) ((unsigned long long)(x))

static void explain_default(const struct config_scalar *maximum, const struct config_scalar *initial, const char *name,
                            u64 value, struct config_errors *errors)
{
    if (!maximum->given && value > initial->value)
        config_warning(errors, initial->pos, "resource_limits.%s: not given; with EDMM it is %llu MB by default", name,
                       LL(value >> 20));
}

void config_explain(const struct occlum_json *json, const struct config_xml *edmm, struct config_errors *errors)
{
    config_warning(errors, json->default_mmap_size.pos, "process.default_mmap_size: required, but inoperative");
    if (json->init_threads.given)
        config_warning(errors, json->init_threads.pos,
                       "resource_limits.init_num_of_threads: has no effect without EDMM");
    if (edmm->tcs_max > json->max_threads.value)
        config_warning(errors, json->max_threads.pos,
                       "resource_limits.max_num_of_threads: raised to the default of %llu with EDMM; "
                       "feature.enforce_max_limits keeps it",
                       LL(edmm->tcs_max));
    explain_default(&json->heap_max_size, &json->heap_size, "kernel_space_heap_max_size", edmm->heap_max, errors);
    explain_default(&json->user_max_size, &json->user_size, "user_space_max_size", edmm->user_max, errors);
}
