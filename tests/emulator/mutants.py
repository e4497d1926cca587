#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Breaks one rule of the SGX model at a time and demands that the tests notice.

usage: mutants.py [-j N] [-k WORD]    run from anywhere; needs cc, libcrypto
Each mutant is (file, text, replacement); the text must occur exactly once. Exit 0 if every mutant is caught.
"""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "emulator/model"
TESTS = ["fixture", "build", "paging", "entry", "edmm", "keys", "random"]
FLAGS = ["-std=gnu2x", "-D_GNU_SOURCE", "-O1", "-w", f"-I{ROOT}/src", f"-I{ROOT}/emulator", f"-I{ROOT}/tests/unit",
         f"-I{ROOT}/tests/emulator"]

MUTANTS = [
    ("encls_build.c", "if (e->valid)\n        return pf_epc(epc);\n    struct sgx_secs copy;", "struct sgx_secs copy;"),
    ("encls_build.c", "(s->attributes.xfrm & 3) != 3 ||", ""),
    ("encls_build.c", "return IS_ALIGNED(s->base, s->size);", "return true;"),
    ("encls_build.c", "(s->size & (s->size - 1)) ||", ""),
    ("encls_build.c", "if (s->miscselect & ~supported_miscselect(m))\n        return false;", ""),
    ("encls_build.c", "info.flags &= ~SECINFO_RWX;", ""),
    ("encls_build.c", "tcs_clear_state(tcs);", ""),
    ("encls_build.c", "if (!tcs_fields_valid(secs, tcs))\n            return gp();", ""),
    ("encls_build.c", "|| (secs->attributes.flags & SGX_ATTR_INIT))\n        return gp();\n\n    *e", ")\n        return gp();\n\n    *e"),
    ("encls_build.c", "private->children++;", ""),
    ("encls_build.c", "+ (epc & PAGE_MASK), NULL, 0)", ", NULL, 0)"),
    ("encls_build.c", "args->linaddr - secs->base, &info, 48)", "args->linaddr, &info, 48)"),
    ("encls_build.c", "if (e->secs != page_index(secs_address))\n        return gp();", ""),
    ("encls_build.c", "return error(SGX_CHILD_PRESENT);", "return success();"),
    ("encls_build.c", "if (!unreachable && sgx_threads_inside(m, e->secs))", "if (false)"),
    ("encls_build.c", "e->type == SGX_PT_TRIM && is_tracked(m, page)", "e->type == SGX_PT_TRIM"),
    ("encls_einit.c", "if (rsa_sigstruct_verify(&sig) != 0)\n        return error(SGX_INVALID_SIGNATURE);", ""),
    ("encls_einit.c", "if (memcmp(mrenclave, sig.enclavehash, sizeof(mrenclave)) != 0)\n        return error(SGX_INVALID_MEASUREMENT);", ""),
    ("encls_einit.c", "if (!authorized)\n        return error(SGX_INVALID_EINITTOKEN);", ""),
    ("encls_einit.c", "(a.flags & mask.flags) == (want.flags & mask.flags) &&", ""),
    ("encls_edmm.c", ".w = true, .pending = true,", ".w = true,"),
    ("encls_edmm.c", "memset(page_data(m, page_index(epc)), 0, PAGE_SIZE);", ""),
    ("encls_edmm.c", "e->pr = true;", ""),
    ("encls_edmm.c", "e->w = e->w && (flags & SGX_SECINFO_W);", "e->w = flags & SGX_SECINFO_W;"),
    ("encls_edmm.c", "e->x = e->x && (flags & SGX_SECINFO_X);", "e->x = flags & SGX_SECINFO_X;"),
    ("encls_edmm.c", "e->modified = true;", ""),
    ("encls_edmm.c", "e->r = e->w = e->x = false;", ""),
    ("encls_edmm.c", "e->tracked_epoch = secs_private_of(m, e->secs)->epoch;\n    e->pr = false;", "e->pr = false;"),
    ("encls_paging.c", "e->blocked = true;\n    e->tracked_epoch = secs_private_of(m, e->secs)->epoch;", "e->blocked = true;"),
    ("encls_paging.c", "if (!e->blocked)\n        return error(SGX_PAGE_NOT_BLOCKED);", ""),
    ("encls_paging.c", "return is_tracked(m, page) ? success() : error(SGX_NOT_TRACKED);", "return success();"),
    ("encls_paging.c", "return error(SGX_PREV_TRK_INCMPL);", "{}"),
    ("encls_paging.c", "    *slot = 0;", ""),
    ("encls_paging.c", "        e->blocked = blocked;", ""),
    ("encls_paging.c", ".linaddr = linaddr, .flags = flags,", ".flags = flags,"),
    ("encls_paging.c", ".flags = flags, .version = version,", ".version = version,"),
    ("encls_paging.c", "return page_index(epc) == page_index(va_slot) ? gp() : success();", "return success();"),
    ("encls_debug.c", "if (is_tcs && (epc & PAGE_MASK) != offsetof(struct sgx_tcs, flags))", "if (false)"),
    ("encls_debug.c", "if (!(secs_of(m, e->secs)->attributes.flags & SGX_ATTR_DEBUG))\n        return gp();", ""),
    ("access.c", "|| e->pending || e->modified || e->blocked)\n        return 0;", "|| e->modified || e->blocked)\n        return 0;"),
    ("access.c", "|| e->pending || e->modified || e->blocked)\n        return 0;", "|| e->pending || e->modified)\n        return 0;"),
    ("access.c", "e->linaddr != page || e->blocked", "e->blocked"),
    ("access.c", "e->secs != secs || ", ""),
    ("access.c", "e->linaddr != page || e->blocked", "e->linaddr != page"),
    ("enclu_entry.c", "if (e.tcs->stage)\n        return gp();", ""),
    ("enclu_entry.c", "e.tcs->cssa >= e.tcs->nssa ||", ""),
    ("enclu_entry.c", "if (epcm->pending || epcm->modified)\n        return pf_enclu(address);", ""),
    ("enclu_entry.c", "if (secs->attributes.xfrm & ~cpu->xcr0)\n        return gp();", ""),
    ("enclu_entry.c", "    tcs->cssa++;", ""),
    ("enclu_entry.c", "    e.tcs->cssa--;", ""),
    ("enclu_entry.c", "cpu->fs_base = cpu->save_fs;", ""),
    ("enclu_entry.c", "e.tcs->stage || !ssa_xsave_valid(m, xfrm, &e.frame)", "e.tcs->stage"),
    ("enclu_entry.c", "    xsave_reset(cpu);", ""),
    ("enclu_entry.c", "saved.exitinfo = exit_info(secs, vector);", ""),
    ("enclu_entry.c", "kept | (s->rflags & RFLAGS_RESUME)", "s->rflags"),
    ("enclu_entry.c", "private->inside[cpu->epoch & 1]++;", "private->inside[0]++;"),
    ("enclu_edmm.c", "if (flags != epcm_flags(e))\n        return error(SGX_PAGE_ATTRIBUTES_MISMATCH);", ""),
    ("enclu_edmm.c", "if ((e->modified || e->pr) && !is_tracked(m, page))\n        return error(SGX_NOT_TRACKED);", ""),
    ("enclu_edmm.c", "e->type != SGX_PT_REG || !e->pending || e->modified", "e->type != SGX_PT_REG"),
    ("enclu_edmm.c", "e->type != SGX_PT_REG || e->pending || e->modified)\n        return pf_enclu", "e->type != SGX_PT_REG)\n        return pf_enclu"),
    ("enclu_edmm.c", "        tcs_clear_state(tcs);", ""),
    ("enclu_report.c", "need && !(secs->attributes.flags & need)", "false"),
    ("enclu_report.c", "r->isvsvn > secs->isvsvn ||", ""),
    ("enclu_report.c", "| SGX_ATTR_INIT | SGX_ATTR_DEBUG;", ";"),
    ("keys.c", "memcpy(d.mrenclave, target->measurement, sizeof(d.mrenclave));", ""),
    ("ssa.c", "bool usable = e->type == SGX_PT_REG && e->r && e->w &&", "bool usable = e->type == SGX_PT_REG && e->r &&"),
]


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def compile_to(source, target):
    done = run(["cc", *FLAGS, f"-I{MODEL}", "-c", str(source), "-o", str(target)])
    if done.returncode:
        raise RuntimeError(f"{source} does not compile:\n{done.stdout}")


def compile_base(folder):
    """All objects without a mutant, by name of the source."""
    sources = [*sorted(MODEL.glob("*.c")), *(ROOT / f"tests/emulator/model_{name}.c" for name in TESTS),
               ROOT / "tests/unit/test.c", ROOT / "src/crypto/host_aes.c", ROOT / "src/crypto/host_rsa.c",
               *sorted((ROOT / "src/crypto").glob("sha256*.c"))]
    FLAGS.extend(["-msse4.1", "-mssse3", "-msha"])
    objects = {}
    for source in sources:
        objects[source.name] = folder / (source.stem + ".o")
        compile_to(source, objects[source.name])
    return objects


def tests_pass(objects, program):
    done = run(["cc", *map(str, objects.values()), "-lcrypto", "-o", str(program)])
    if done.returncode:
        raise RuntimeError(done.stdout)
    try:
        done = run([str(program)], timeout=60, env={**os.environ, "SGX_MODEL_SEQUENCES": "2000"})
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and "not ok" not in done.stdout


def try_mutant(number, base, folder):
    name, old, new = MUTANTS[number]
    text = (MODEL / name).read_text()
    if text.count(old) != 1:
        raise RuntimeError(f"mutant {number} ({name}): text occurs {text.count(old)} times: {old!r}")
    source, target = folder / f"m{number}.c", folder / f"m{number}.o"
    source.write_text(text.replace(old, new))
    compile_to(source, target)
    return not tests_pass({**base, name: target}, folder / f"m{number}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-j", type=int, default=2, help="jobs")
    parser.add_argument("-k", default="", help="only mutants whose file or text has this word")
    args = parser.parse_args()
    chosen = [n for n, m in enumerate(MUTANTS) if args.k in m[0] or args.k in m[1]]
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        base = compile_base(folder)
        if not tests_pass(base, folder / "unchanged"):
            sys.exit("the unchanged model fails its tests")
        with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
            caught = list(pool.map(lambda n: try_mutant(n, base, folder), chosen))
    for number, ok in zip(chosen, caught):
        if not ok:
            print(f"SURVIVED {number}: {MUTANTS[number][0]}: {MUTANTS[number][1]!r} -> {MUTANTS[number][2]!r}")
    print(f"{sum(caught)} of {len(chosen)} mutants caught")
    sys.exit(0 if all(caught) and chosen else 1)


if __name__ == "__main__":
    main()
