// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

#define NUMBER(name, member)                             \
    {                                                    \
        name, offsetof(struct config_xml, member), false \
    }
#define SIZE(name, member)                              \
    {                                                   \
        name, offsetof(struct config_xml, member), true \
    }

// In the order of the file.
const struct config_xml_element config_xml_elements[] = {
    NUMBER("ProdID", prod_id),
    NUMBER("ISVSVN", isv_svn),
    SIZE("StackMaxSize", stack_max),
    SIZE("StackMinSize", stack_min),
    SIZE("HeapInitSize", heap_init),
    SIZE("HeapMaxSize", heap_max),
    SIZE("HeapMinSize", heap_min),
    NUMBER("TCSNum", tcs_num),
    NUMBER("TCSMaxNum", tcs_max),
    NUMBER("TCSMinPool", tcs_min_pool),
    NUMBER("TCSPolicy", tcs_policy),
    NUMBER("DisableDebug", disable_debug),
    NUMBER("MiscSelect", misc_select),
    NUMBER("MiscMask", misc_mask),
    SIZE("ReservedMemMaxSize", reserved_max),
    SIZE("ReservedMemMinSize", reserved_min),
    SIZE("ReservedMemInitSize", reserved_init),
    NUMBER("ReservedMemExecutable", reserved_executable),
    SIZE("UserRegionSize", user_region),
    NUMBER("EnableKSS", enable_kss),
    NUMBER("ISVEXTPRODID_H", ext_prod_id_high),
    NUMBER("ISVEXTPRODID_L", ext_prod_id_low),
    NUMBER("ISVFAMILYID_H", family_id_high),
    NUMBER("ISVFAMILYID_L", family_id_low),
    NUMBER("PKRU", pkru),
    NUMBER("AMX", amx),
};
const size_t config_xml_element_count = ARRAY_SIZE(config_xml_elements);

u64 config_xml_value(const struct config_xml *xml, const struct config_xml_element *element)
{
    u64 value;
    memcpy(&value, (const char *)xml + element->offset, sizeof(value));
    return value;
}

void config_xml_print(const struct config_xml *xml, FILE *out)
{
    fprintf(out, "<EnclaveConfiguration>\n");
    for (size_t i = 0; i < config_xml_element_count; i++) {
        const struct config_xml_element *element = &config_xml_elements[i];
        unsigned long long value = config_xml_value(xml, element);
        if (element->offset == offsetof(struct config_xml, user_region) && !value)
            continue;
        bool mask = element->offset == offsetof(struct config_xml, misc_mask) && value;
        fprintf(out, mask ? "  <%s>0x%llX</%s>\n" : "  <%s>%llu</%s>\n", element->name, value, element->name);
    }
    fprintf(out, "</EnclaveConfiguration>\n");
}

// Everything down to the disk; -errno of the first failure. Closes fd.
static int write_through(int fd, const struct config_xml *xml)
{
    FILE *out = fdopen(fd, "w");
    if (!out) {
        int err = -errno;
        close(fd);
        return err;
    }
    config_xml_print(xml, out);
    int err = fflush(out) != 0 || fchmod(fd, 0644) != 0 || fsync(fd) != 0 ? -errno : 0;
    if (fclose(out) != 0 && !err)
        err = -errno;
    return err;
}

int config_xml_write(const struct config_xml *xml, const char *path)
{
    char *temporary;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return -ENOMEM;
    int fd = mkstemp(temporary);
    if (fd < 0) {
        int err = -errno;
        free(temporary);
        return err;
    }
    int err = write_through(fd, xml);
    if (!err && rename(temporary, path) != 0)
        err = -errno;
    if (err)
        unlink(temporary);
    free(temporary);
    return err;
}
