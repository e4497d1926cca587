// SPDX-License-Identifier: BSD-3-Clause
// For the Python tests: reads "SIZE\n" + SIZE bytes of Occlum.json from stdin again and again; for each prints
// per arithmetic the values ("ok NAME=N ...") or "refused", then the messages, then an empty line.
// --schema prints the table: path, kind, required.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"

static void print_build(const struct occlum_json *json, bool edmm, struct config_errors *errors)
{
    struct config_xml xml;
    if (config_xml_compute(json, edmm, errors, &xml)) {
        printf("refused\n");
        return;
    }
    printf("ok");
    for (size_t i = 0; i < config_xml_element_count; i++)
        printf(" %s=%" PRIu64, config_xml_elements[i].name, config_xml_value(&xml, &config_xml_elements[i]));
    printf("\n");
}

static void answer(const char *text, size_t size)
{
    struct config_errors errors = { .file = "F" };
    struct occlum_json json;
    if (occlum_json_parse(text, size, &errors, &json)) {
        printf("refused\nrefused\n");
    } else if (errors.count) { // as occlum build does: what the values that could be read mean together is told too
        struct config_xml xml;
        (void)!config_xml_compute(&json, false, &errors, &xml);
        printf("refused\nrefused\n");
        occlum_json_free(&json);
    } else {
        print_build(&json, false, &errors);
        print_build(&json, true, &errors);
        occlum_json_free(&json);
    }
    printf("%s\n", errors.text ? errors.text : ""); // each message ends its line, so an empty line ends the answer
    config_errors_clear(&errors);
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = { "object", "size", "number", "bool", "hex", "strings", "mounts" };
    size_t size;
    if (argc > 1 && strcmp(argv[1], "--schema") == 0) {
        for (size_t i = 0; i < schema_count; i++)
            printf("%s %s %d %" PRIu64 " %" PRIu64 "\n", schema[i].path, kinds[schema[i].kind], schema[i].required,
                   schema[i].min, schema[i].kind == FIELD_NUMBER ? schema[i].max : 0);
        return 0;
    }
    while (scanf("%zu", &size) == 1) {
        char *text = malloc(size + 1);
        if (getchar() != '\n' || !text || fread(text, 1, size, stdin) != size)
            return 1;
        answer(text, size);
        free(text);
    }
    return 0;
}
