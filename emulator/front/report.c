// SPDX-License-Identifier: BSD-3-Clause
// --trace and --stats. Modelled cycles charge each event its cost on a profile's hardware (profile.c).
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "front/driver/life.h"
#include "front/front.h"
#include "front/os/emu.h"
#include "front/profile.h"

static const char *event_name(const struct sgx_event *event)
{
    if (event->kind == SGX_EVENT_AEX)
        return "AEX";
    if (event->leaf >= 16)
        return "?";
    return event->kind == SGX_EVENT_ENCLS ? encls_names[event->leaf] : enclu_names[event->leaf];
}

void ops_event(void *front, const struct sgx_event *event)
{
    if (!emu.options.trace)
        return;
    const char *name = event_name(event);
    trace("%s(%u) at %#lx: vector %u, code %#x, rax %lu", name ? name : "?", event->leaf, event->address,
          event->result.vector, event->result.fault_code, event->result.rax);
}

static void write_json(FILE *f, const struct profile *p, double wall)
{
    const struct sgx_counters *c = &emu.model.count;
    u64 exceptions = 0, sum = profile_cycles(p, c, emu.kicks, emu.page_faults);
    for (u32 i = 0; i < 32; i++)
        exceptions += i == SGX_PF ? 0 : c->aex[i];
    fputs("{\"leaves\": {", f);
    for (u32 i = 0; i < 16; i++)
        fprintf(f, "\"%s\": %lu, ", encls_names[i], c->encls[i]);
    for (u32 i = 0; i < 10; i++)
        fprintf(f, "%s\"%s\": %lu", i ? ", " : "", enclu_names[i], c->enclu[i]);
    fprintf(f, "}, \"aex\": {\"pf\": %lu, \"exception\": %lu, \"interrupt\": %lu}, ", c->aex[SGX_PF], exceptions,
            c->aex[32]);
    fprintf(f, "\"epc\": {\"pages\": %u, \"peak_pages\": %u, \"evictions\": %lu}, \"page_faults\": %lu, ", emu.pages,
            emu.peak, emu.evictions, emu.page_faults);
    for (struct encl *e = emu.enclaves; e; e = e->next)
        encl_count_untouched(e);
    fprintf(f, "\"untouched\": {\"added\": %lu, \"accepted\": %lu}, ", emu.untouched_added, emu.untouched_accepted);
    fprintf(f, "\"writable_code\": %lu, ", c->writable_code);
    fprintf(f, "\"segment_bases\": {\"by\": \"%s\", \"replaced\": %lu, \"executed\": %lu}, ",
            emu.bases_native ? "enclave" : "emulator", emu.bases_replaced, emu.bases_executed);
    if (emu.script_actions)
        fprintf(f, "\"script_actions\": %lu, ", emu.script_actions);
    fprintf(f, "\"modelled\": {\"profile\": \"%s\", \"cycles\": %lu, \"seconds\": %.6f}, \"wall_seconds\": %.6f}\n",
            p->name, sum, (double)sum / p->hertz, wall);
}

void report(double wall_seconds)
{
    if (!emu.options.stats)
        return;
    FILE *f = emu.options.stats_file ? fopen(emu.options.stats_file, "we") : stderr;
    if (!f) {
        perror(emu.options.stats_file);
        return;
    }
    write_json(f, &emu_profile, wall_seconds);
    if (f != stderr)
        fclose(f);
}
