// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer target: Occlum.json from its text to both arithmetics and the blob.
#include <stdlib.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_errors errors = { 0 };
    struct occlum_json json;
    int err = occlum_json_parse((const char *)data, size, &errors, &json);
    if (err == -22 && !errors.count)
        abort();                // a refusal must say why
    if (!err && errors.count) { // what could be read is looked at for more errors, and for nothing else
        struct config_xml xml;
        for (int edmm = 0; edmm < 2; edmm++)
            if (config_xml_compute(&json, edmm, &errors, &xml) && !errors.count)
                abort();
        occlum_json_free(&json);
    } else if (!err) {
        struct occlum_image image = { 0 };
        struct config_xml xml;
        void *blob;
        size_t blob_size;
        if ((config_xml_compute(&json, false, &errors, &xml) || config_xml_compute(&json, true, &errors, &xml)) &&
            !errors.count)
            abort();
        if (config_blob(&json, &image, &blob, &blob_size) == 0)
            free(blob);
        occlum_json_free(&json);
    }
    config_errors_clear(&errors);
    return 0;
}
