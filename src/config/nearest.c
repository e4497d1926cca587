// SPDX-License-Identifier: BSD-3-Clause
// Unknown keys, and what their writer probably meant.
#include "base/nearest.h"
#include "config/schema.h"

void field_unknown(const struct json_value *value, const char *prefix, const char *const *names,
                   struct config_errors *errors)
{
    const char *nearest = nearest_word(value->key, names), *dot = *prefix ? "." : "";
    if (nearest)
        config_error(errors, value->key_pos, "%s%s%.64s: found an unknown key; expected \"%s\"?", prefix, dot,
                     value->key, nearest);
    else
        config_error(errors, value->key_pos, "%s%s%.64s: found an unknown key; expected one that the schema knows",
                     prefix, dot, value->key);
}
