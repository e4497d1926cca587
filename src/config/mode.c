// SPDX-License-Identifier: BSD-3-Clause
// Which enclave is built: edmm.md section 1.
#include <errno.h>
#include <string.h>

#include "config/config.h"

enum { NO, YES, NEITHER };

static int yes_or_no(const char *text)
{
    static const char *const yes[] = { "Y", "YES", "Yes", "yes", "True", "true", "1" };
    static const char *const no[] = { "N", "NO", "No", "no", "False", "false", "0", "" };
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
        if (strcmp(text, yes[i]) == 0)
            return YES;
    for (size_t i = 0; i < ARRAY_SIZE(no); i++)
        if (strcmp(text, no[i]) == 0)
            return NO;
    return NEITHER;
}

static int select_sgx_mode(const char *option, const char *env, struct config_mode *mode)
{
    const char *text = option ? option : env ? env : "";
    mode->sgx_mode = strcmp(text, "SIM") == 0 ? CONFIG_SIM : CONFIG_HW;
    if (mode->sgx_mode == CONFIG_SIM || !*text || strcmp(text, "HW") == 0)
        return 0;
    snprintf(mode->message, sizeof(mode->message), "%s: found \"%.80s\"; expected HW or SIM",
             option ? "--sgx-mode" : "SGX_MODE", text);
    return -EINVAL;
}

int config_select_mode(const char *sgx_mode_option, const char *sgx_mode_env, const char *edmm_option,
                       const char *edmm_env, bool feature_enable_edmm, struct config_mode *ret_mode)
{
    *ret_mode = (struct config_mode){ 0 };
    int err = select_sgx_mode(sgx_mode_option, sgx_mode_env, ret_mode);
    if (err)
        return err;
    const char *text = edmm_option ? edmm_option : edmm_env;
    int wanted = text ? yes_or_no(text) : feature_enable_edmm ? YES : NO;
    if (wanted == NEITHER || (edmm_option && !*edmm_option)) {
        snprintf(ret_mode->message, sizeof(ret_mode->message), "%s: found \"%.80s\"; expected Y or N",
                 edmm_option ? "--enable-edmm" : "ENABLE_EDMM", text);
        return -EINVAL;
    }
    ret_mode->edmm = wanted == YES && ret_mode->sgx_mode == CONFIG_HW;
    if (wanted == YES && !ret_mode->edmm)
        snprintf(ret_mode->message, sizeof(ret_mode->message), "EDMM is ignored: SGX_MODE=SIM takes precedence");
    return 0;
}
