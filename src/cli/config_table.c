// SPDX-License-Identifier: BSD-3-Clause
#include "cli/config_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

enum { NAME_WIDTH = 24, CELL_WIDTH = 28 };

struct colours {
    const char *heading, *differs, *warning, *end;
};

static const struct colours none = { "", "", "", "" }, terminal = { "\033[1m", "\033[36m", "\033[33m", "\033[0m" };

static const struct colours *choose_colours(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool plain = (no_color && *no_color) || !term || strcmp(term, "dumb") == 0;
    return plain || !isatty(STDOUT_FILENO) ? &none : &terminal;
}

// "32 MB" when value is a multiple of a unit, else with one decimal of the largest unit below it.
static void human(u64 value, char *buffer, size_t size)
{
    static const char *const units[] = { "B", "KB", "MB", "GB", "TB" };
    unsigned unit = 0;
    while (unit < 4 && value >> (10 * (unit + 1)))
        unit++;
    u64 scale = 1ull << (10 * unit);
    if (value % scale)
        snprintf(buffer, size, "%.1f %s", (double)value / (double)scale, units[unit]);
    else
        snprintf(buffer, size, "%" PRIu64 " %s", value / scale, units[unit]);
}

enum cell_kind { CELL_NUMBER, CELL_SIZE, CELL_OPTIONAL, CELL_TIME }; // OPTIONAL: a size, 0 if there is none

static void cell(u64 value, enum cell_kind kind)
{
    char unit[32], text[64];
    human(value, unit, sizeof(unit));
    if (kind == CELL_OPTIONAL && !value)
        snprintf(text, sizeof(text), "-");
    else if (kind == CELL_SIZE || kind == CELL_OPTIONAL)
        snprintf(text, sizeof(text), "%" PRIu64 " (%s)", value, unit);
    else if (kind == CELL_TIME)
        snprintf(text, sizeof(text), "%.1f ms", (double)value / 1000);
    else
        snprintf(text, sizeof(text), "%" PRIu64, value);
    printf("%-*s", CELL_WIDTH, text);
}

static void row(const struct colours *colours, const char *name, u64 plain, u64 edmm, enum cell_kind kind)
{
    printf("%-*s", NAME_WIDTH, name);
    cell(plain, kind);
    fputs(plain != edmm ? colours->differs : "", stdout);
    cell(edmm, kind);
    printf("%s\n", plain != edmm ? colours->end : "");
}

void config_table_print(const struct both_builds *both, const struct config_errors *warnings)
{
    const struct colours *colours = choose_colours();
    const struct config_memory *plain = &both->memory[0], *edmm = &both->memory[1];

    printf("%s%-*s%-*s%s%s\n", colours->heading, NAME_WIDTH, "", CELL_WIDTH, "without EDMM, and SIM", "with EDMM",
           colours->end);
    for (size_t i = 0; i < config_xml_element_count; i++) {
        const struct config_xml_element *element = &config_xml_elements[i];
        bool absent = element->offset == offsetof(struct config_xml, user_region); // without EDMM
        row(colours, element->name, config_xml_value(&both->xml[0], element), config_xml_value(&both->xml[1], element),
            absent             ? CELL_OPTIONAL
            : element->is_size ? CELL_SIZE
                               : CELL_NUMBER);
    }
    row(colours, "Committed at start", plain->committed, edmm->committed, CELL_SIZE);
    row(colours, "Maximum", plain->maximum, edmm->maximum, CELL_SIZE);
    row(colours, "ELRANGE", plain->elrange, edmm->elrange, CELL_SIZE);
    printf("%-*s", NAME_WIDTH, "ELRANGE in SIM");
    cell(plain->elrange_simulated, CELL_SIZE);
    printf("-\n");
    row(colours, "Time to load, estimated", plain->load_us, edmm->load_us, CELL_TIME);
    printf("Time to load: 7.1 us a page, a published figure of one Xeon, and modelled EEXTENDs; not measured here.\n");
    if (warnings->text)
        printf("%s%s%s", colours->warning, warnings->text, colours->end);
}

static void print_build(const char *name, const struct config_xml *xml, const struct config_memory *memory)
{
    printf("\"%s\": {", name);
    for (size_t i = 0; i < config_xml_element_count; i++)
        printf("\"%s\": %" PRIu64 ", ", config_xml_elements[i].name, config_xml_value(xml, &config_xml_elements[i]));
    printf("\"committed\": %" PRIu64 ", \"maximum\": %" PRIu64 ", \"elrange\": %" PRIu64 ", \"load_us\": %" PRIu64
           "}, ",
           memory->committed, memory->maximum, memory->elrange, memory->load_us);
}

void config_json_print(const struct both_builds *both, const struct config_errors *warnings)
{
    const char *line = warnings->text ? warnings->text : "", *comma = "";

    printf("{");
    print_build("non_edmm", &both->xml[0], &both->memory[0]);
    print_build("edmm", &both->xml[1], &both->memory[1]);
    printf("\"elrange_sim\": %" PRIu64 ", \"warnings\": [", both->memory[0].elrange_simulated);
    for (; *line; line += strcspn(line, "\n") + 1, comma = ", ") {
        fputs(comma, stdout);
        cli_json_string(line, strcspn(line, "\n"));
    }
    printf("]}\n");
}
