// SPDX-License-Identifier: BSD-3-Clause
// What becomes of each byte pair 0F 05: is it an instruction, and how can it be reached through the gate?
#include "gate/scan.h"

#define SYSCALL_SIZE 2
#define NR_RT_SIGRETURN 15
#define AX_WRITE_DISTANCE 12 // instructions
#define REL8_MIN (-128)
#define REL8_MAX 127

// The surroundings of one hit. Positions are offsets in its text.
struct site {
    struct scan *scan;
    const struct scan_text *text;
    struct scan_hit *hit;
    size_t at;
};

static bool is_start(const struct site *site, size_t at)
{
    return bitmap_test(site->scan->starts, site->text->first_bit + at);
}

// Does another site's window or hole cover a byte of [from, to)?
static bool given_away(const struct site *site, size_t from, size_t to)
{
    for (; from < to; from++)
        if (bitmap_test(site->scan->syncs, site->text->first_bit + from))
            return true;
    return false;
}

// May control arrive in [from, to) from elsewhere?
static bool jumped_to(const struct site *site, size_t from, size_t to)
{
    for (; from < to; from++) {
        size_t bit = site->text->first_bit + from;
        if (bitmap_test(site->scan->targets, bit) ||
            (bitmap_test(site->scan->guesses, bit) && bitmap_test(site->scan->starts, bit)))
            return true;
    }
    return false;
}

static void decode_at(const struct site *site, size_t at, struct gate_insn *ret)
{
    gate_decode(site->text->code.bytes + at, site->text->code.size - at, ret);
}

// The instruction that ends at `at` and runs on to it in the sweep. False if there is none.
static bool previous(const struct site *site, size_t at, struct gate_insn *ret)
{
    for (size_t back = 1; back <= GATE_INSN_MAX && back <= at; back++) {
        if (!is_start(site, at - back))
            continue;
        decode_at(site, at - back, ret);
        return ret->size == back;
    }
    return false;
}

static bool straight(const struct gate_insn *insn) { return insn->kind == INSN_PLAIN || insn->kind == INSN_NOP; }

// Has eax or rax been loaded shortly before?
static bool number_loaded(const struct site *site)
{
    struct gate_insn insn;
    size_t at = site->at;

    for (unsigned i = 0; i < AX_WRITE_DISTANCE && previous(site, at, &insn); i++) {
        if (!straight(&insn) && insn.kind != INSN_JCC)
            return false;
        if (insn.flags & INSN_WRITES_AX)
            return true;
        at -= insn.size;
    }
    return false;
}

// Is the result looked at the way only system call results are?
static bool result_checked(const struct site *site)
{
    struct gate_insn first, second;
    size_t at = site->at + SYSCALL_SIZE;

    decode_at(site, at, &first);
    if (first.kind == INSN_BAD || first.flags & INSN_CMP_ERRNO)
        return first.kind != INSN_BAD;
    decode_at(site, at + first.size, &second);
    if (second.flags & INSN_CMP_ERRNO)
        return true;
    // musl: __syscall_ret(result), as a call or a tail call
    return first.flags & INSN_MOV_AX_DI && (second.kind == INSN_CALL || second.kind == INSN_JMP);
}

static bool accepted(const struct site *site)
{
    struct gate_insn insn;

    if (!is_start(site, site->at))
        return false;
    decode_at(site, site->at, &insn);
    return insn.kind == INSN_SYSCALL && insn.size == SYSCALL_SIZE &&
           (site->hit->in_fde || number_loaded(site) || result_checked(site));
}

// Go's trampoline ends in a trap. Its runtime knows the frame by the function's name and looks at no bytes.
static bool followed_by_trap(const struct site *site)
{
    enum { INT3 = 0xcc };
    size_t after = site->at + SYSCALL_SIZE;
    return after < site->text->code.size && site->text->code.bytes[after] == INT3;
}

// Unwinders know a signal return trampoline by its unwind table (augmentation 'S': glibc), and where there is none by
// its bytes (libgcc, libunwind, gdb: musl). Those of the second kind stay as they are.
static bool is_known_by_bytes(const struct site *site)
{
    struct gate_insn insn;

    return !site->hit->in_signal_frame && !followed_by_trap(site) && previous(site, site->at, &insn) &&
           insn.flags & INSN_IMM32 && insn.flags & INSN_WRITES_AX && insn.value == NR_RT_SIGRETURN;
}

static void give_away(const struct site *site, size_t from, size_t to)
{
    for (; from < to; from++)
        bitmap_set(site->scan->syncs, site->text->first_bit + from);
}

struct window {
    size_t start;
    u8 fixup;
};

// Is there straight-line code of at least 5 bytes before the site that nothing jumps into?
static bool find_window(const struct site *site, struct window *ret)
{
    struct gate_insn insn;
    size_t at = site->at;
    u8 fixup = GATE_NO_FIXUP;

    while (site->at - at < GATE_JMP_SIZE) {
        if (!previous(site, at, &insn) || !straight(&insn))
            return false;
        at -= insn.size;
        if (insn.flags & INSN_RIP_RELATIVE) // 6 bytes at least: then it is the first of the window
            fixup = insn.disp_at;
    }
    if (site->at - at > GATE_WINDOW_MAX || jumped_to(site, at + 1, site->at) ||
        given_away(site, at, site->at + SYSCALL_SIZE))
        return false;
    *ret = (struct window){ .start = at, .fixup = fixup };
    return true;
}

static void take_window(const struct site *site, const struct window *window)
{
    site->hit->kind = GATE_PRE;
    site->hit->window_size = (u8)(site->at - window->start);
    site->hit->fixup = window->fixup;
    give_away(site, window->start, site->at + SYSCALL_SIZE);
}

// Takes the first 5 free bytes of the padding [from, to) that a jmp rel8 at the site can reach.
static bool take_hole(const struct site *site, size_t from, size_t to)
{
    for (; from + GATE_JMP_SIZE <= to; from++) {
        s64 rel = (s64)from - (s64)(site->at + SYSCALL_SIZE);
        if (rel < REL8_MIN || rel > REL8_MAX || given_away(site, from, from + GATE_JMP_SIZE))
            continue;
        site->hit->kind = GATE_HOLE;
        site->hit->hole = (u32)(site->text->code.vaddr + from - site->scan->elf.base);
        give_away(site, from, from + GATE_JMP_SIZE);
        give_away(site, site->at, site->at + SYSCALL_SIZE);
        return true;
    }
    return false;
}

static bool stops(const struct gate_insn *insn)
{
    return insn->kind == INSN_JMP || insn->kind == INSN_JMP_INDIRECT || insn->kind == INSN_RET ||
           insn->kind == INSN_STOP;
}

// Padding is a run of nop or int3 after an instruction that does not run on, with no target in it.
static bool try_hole(const struct site *site)
{
    size_t at = site->at > 160 ? site->at - 160 : 0;
    size_t end = MIN(site->at + 2 + REL8_MAX + GATE_JMP_SIZE, site->text->code.size);
    size_t run = 0;    // start of the padding, if dead
    bool dead = false; // control cannot arrive at `at` from before
    struct gate_insn insn;

    if (given_away(site, site->at, site->at + SYSCALL_SIZE))
        return false;
    while (at < end) {
        if (!is_start(site, at)) {
            dead = false;
            at++;
            continue;
        }
        decode_at(site, at, &insn);
        bool padding = insn.kind == INSN_NOP || insn.kind == INSN_INT3;
        if (jumped_to(site, at, MIN(at + insn.size, site->text->code.size)))
            dead = false;
        if (dead && padding) {
            if (take_hole(site, run, MIN(at + insn.size, end)))
                return true;
        } else {
            dead = stops(&insn);
            run = at + insn.size;
        }
        at += insn.size;
    }
    return false;
}

static struct site site_of(struct scan *scan, u32 index)
{
    struct scan_hit *hit = &scan->hits[index];
    const struct scan_text *text = &scan->texts[hit->text];

    return (struct site){ .scan = scan, .text = text, .hit = hit, .at = (size_t)(hit->vaddr - text->code.vaddr) };
}

// Padding is scarce: first those who do not need any, then those who need it, then those it is better for.
enum turn {
    TURN_WINDOW,
    TURN_HOLE,
    TURN_EITHER,
};
#define TURN_COUNT 3

static void classify(const struct site *site, enum turn turn)
{
    struct window window;
    bool has_window = find_window(site, &window);
    // A jump straight to the instruction goes past a window: there a hole is better.
    bool target = jumped_to(site, site->at, site->at + 1);

    if (turn == TURN_WINDOW && has_window && !target)
        take_window(site, &window);
    else if (turn == TURN_HOLE && !has_window)
        try_hole(site);
    else if (turn == TURN_EITHER && has_window && !try_hole(site))
        take_window(site, &window);
}

void scan_classify(struct scan *scan)
{
    // From here on syncs says which bytes are taken by a window or a hole.
    __builtin_memset(scan->syncs, 0, BITMAP_WORDS(scan->bits) * sizeof(u64));
    for (u32 i = 0; i < scan->hit_count; i++) {
        struct site site = site_of(scan, i);
        site.hit->accepted = accepted(&site);
    }
    for (int turn = 0; turn < TURN_COUNT; turn++) {
        for (u32 i = 0; i < scan->hit_count; i++) {
            struct site site = site_of(scan, i);
            if (site.hit->accepted && site.hit->kind == GATE_TRAP && !is_known_by_bytes(&site))
                classify(&site, (enum turn)turn);
        }
    }
}
