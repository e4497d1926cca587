// SPDX-License-Identifier: BSD-3-Clause
#include "config/config.h"
#include "test.h"

TEST(rows_of_the_design)
{
    static const struct {
        const char *sgx_option, *sgx_env, *edmm_option, *edmm_env;
        bool feature;
        int err, sgx, edmm;
        bool note;
    } rows[] = {
        { NULL, NULL, NULL, NULL, false, 0, CONFIG_HW, 0, false },
        { NULL, "", NULL, "", true, 0, CONFIG_HW, 0, false }, // an empty ENABLE_EDMM is a no
        { NULL, "HW", NULL, NULL, true, 0, CONFIG_HW, 1, false },
        { NULL, NULL, NULL, "True", false, 0, CONFIG_HW, 1, false },
        { NULL, NULL, "N", "Y", true, 0, CONFIG_HW, 0, false },
        { NULL, NULL, "Y", "N", false, 0, CONFIG_HW, 1, false },
        { NULL, NULL, NULL, "0", true, 0, CONFIG_HW, 0, false },
        { NULL, "SIM", NULL, "Y", false, 0, CONFIG_SIM, 0, true },
        { NULL, "SIM", NULL, NULL, true, 0, CONFIG_SIM, 0, true },
        { NULL, "SIM", "Y", NULL, false, 0, CONFIG_SIM, 0, true },
        { NULL, "SIM", NULL, NULL, false, 0, CONFIG_SIM, 0, false },
        { "HW", "SIM", "Y", NULL, false, 0, CONFIG_HW, 1, false },
        { NULL, "HYPER", NULL, NULL, false, -22, CONFIG_HW, 0, true },
        { NULL, "sim", NULL, NULL, false, -22, CONFIG_HW, 0, true },
        { NULL, NULL, NULL, "y", false, -22, CONFIG_HW, 0, true },
        { NULL, NULL, "", NULL, false, -22, CONFIG_HW, 0, true },
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct config_mode mode;
        CHECK_EQ(config_select_mode(rows[i].sgx_option, rows[i].sgx_env, rows[i].edmm_option, rows[i].edmm_env,
                                    rows[i].feature, &mode),
                 rows[i].err);
        CHECK_EQ(mode.sgx_mode, rows[i].sgx);
        CHECK_EQ(mode.edmm, rows[i].edmm);
        CHECK_EQ(mode.message[0] != 0, rows[i].note);
    }
}
