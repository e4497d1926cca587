// SPDX-License-Identifier: BSD-3-Clause
#include "gate/host_scan.h"

#include <errno.h>
#include <stdlib.h>

#include "gate/find.h"

static void *host_alloc(void *context, size_t size) { return malloc(size); }
static void host_free(void *context, void *memory, size_t size) { free(memory); }

int gate_scan_file(const u8 *file, size_t size, void **ret_table, size_t *ret_size)
{
    static const struct gate_memory memory = { .alloc = host_alloc, .free = host_free };
    struct gate_table *table = NULL;
    int error = gate_find(file, size, &memory, &table);

    if (error == -ENOMEM)
        return error;
    if (!error && table->count == 0) {
        free(table);
        table = NULL;
    }
    *ret_table = error ? NULL : table;
    *ret_size = !error && table ? gate_table_size(table->count) : 0;
    return 0;
}
