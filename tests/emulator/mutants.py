#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Breaks one rule of the SGX model at a time and demands that the tests notice.

usage: mutants.py [-j N] [-k WORD] [--sample N]    run from anywhere; needs cc, libcrypto
Each mutant is (file, text, replacement); the text must occur exactly once. Exit 0 if every mutant is caught.
"""
import argparse
import concurrent.futures
import datetime
import os
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import limits  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "emulator/model"
TESTS = ["fixture", "build", "paging", "entry", "edmm", "keys", "keydeps", "random", "rows_encls", "rows_paging", "rows_entry",
         "rows_enclu", "rows"]
FLAGS = ["-std=gnu2x", "-D_GNU_SOURCE", "-O1", "-w", f"-I{ROOT}/src", f"-I{ROOT}/emulator", f"-I{ROOT}/tests/unit",
         f"-I{ROOT}/tests/emulator"]

MUTANTS = [
    ("encls_build.c", "if (e->valid)\n        return pf_epc(epc);\n    struct sgx_secs copy;", "struct sgx_secs copy;"),
    ("encls_build.c", "return IS_ALIGNED(s->base, s->size);", "return true;"),
    ("encls_build.c", "(s->size & (s->size - 1)) ||", ""),
    ("encls_build.c", "if (s->miscselect & ~supported_miscselect(m))\n        return false;", ""),
    ("encls_build.c", "info.flags &= ~SECINFO_RWX;", ""),
    ("encls_build.c", "|| (secs->attributes.flags & SGX_ATTR_INIT))\n        return gp();\n\n    *e", ")\n        return gp();\n\n    *e"),
    ("encls_build.c", "private->children++;", ""),
    ("encls_build.c", "+ (epc & PAGE_MASK), NULL, 0)", ", NULL, 0)"),
    ("encls_build.c", "args->linaddr - secs->base, &info, 48)", "args->linaddr, &info, 48)"),
    ("encls_build.c", "if (e->secs != page_index(secs_address))\n        return gp();", ""),
    ("encls_build.c", "return error(SGX_CHILD_PRESENT);", "return success();"),
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
    ("access.c", "|| e->pending || e->modified || e->blocked)\n        return 0;", "|| e->modified || e->blocked)\n        return 0;"),
    ("access.c", "|| e->pending || e->modified || e->blocked)\n        return 0;", "|| e->pending || e->modified)\n        return 0;"),
    ("enclu_entry.c", "if (epcm->pending || epcm->modified)\n        return pf_enclu(address);", ""),
    ("enclu_entry.c", "    tcs->cssa++;", ""),
    ("enclu_entry.c", "    e.tcs->cssa--;", ""),
    ("enclu_entry.c", "cpu->fs_base = cpu->save_fs;", ""),
    ("enclu_entry.c", "e.tcs->stage || !ssa_xsave_valid(m, xfrm, &e.frame)", "e.tcs->stage"),
    ("enclu_entry.c", "    xsave_reset(m, cpu, secs_of(m, cpu->secs)->attributes.xfrm);", ""),
    ("enclu_entry.c", "xsave_reset(m, cpu, secs_of(m, cpu->secs)->attributes.xfrm)", "xsave_reset(m, cpu, m->config.xfrm)"),
    ("ssa.c", "bv = (bv & ~xfrm) | (bits & xfrm);", "bv = bits & xfrm;"),
    ("enclu_entry.c", "saved.exitinfo = exit_info(secs, vector);", ""),
    ("enclu_entry.c", "private->inside[cpu->epoch & 1]++;", "private->inside[0]++;"),
    ("enclu_edmm.c", "if ((e->modified || e->pr) && !is_tracked(m, page))\n        return error(SGX_NOT_TRACKED);", ""),
    ("enclu_edmm.c", "e->type != SGX_PT_REG || e->pending || e->modified)\n        return pf_enclu", "e->type != SGX_PT_REG)\n        return pf_enclu"),
    ("enclu_report.c", "r->isvsvn > secs->isvsvn ||", ""),
    ("enclu_report.c", "| SGX_ATTR_INIT | SGX_ATTR_DEBUG;", ";"),
    ("keys.c", "memcpy(d.mrenclave, target->measurement, sizeof(d.mrenclave));", ""),
    # ECREATE, EADD, EEXTEND, EREMOVE (SDM 38.3)
    ("encls_build.c", "if ((xfrm & 3) != 3 || xfrm >> 63)", "if (xfrm >> 63)"),
    ("encls_build.c", "if ((xfrm & 3) != 3 || xfrm >> 63)", "if ((xfrm & 3) != 3)"),
    ("encls_build.c", "return whole(xfrm, XFRM_MPX) && ", "return "),
    ("encls_build.c", "whole(xfrm, XFRM_AVX512) && whole(xfrm, XFRM_AMX)", "whole(xfrm, XFRM_AMX)"),
    ("encls_build.c", "whole(xfrm, XFRM_AMX) &&", "true &&"),
    ("encls_build.c", "(!(xfrm & XFRM_AVX512) || (xfrm & XFRM_AVX));", "true;"),
    ("encls_build.c", "|| (s->attributes.xfrm & ~m->config.xfrm))", ")"),
    ("encls_build.c", "s->size >= (mode64", "s->size > (mode64"),
    ("encls_build.c", "return all_zero(s->reserved1, sizeof(s->reserved1)) &&", "return"),
    ("encls_build.c", "&& all_zero(s->cet, sizeof(s->cet)) &&", "&&"),
    ("encls_build.c", "&& attributes_supported(m, &s->attributes);", ";"),
    ("encls_build.c", "(kss || (all_zero(s->configid, sizeof(s->configid)) && s->configsvn == 0))", "true"),
    ("encls_build.c", "all_zero(s->configid, sizeof(s->configid)) && s->configsvn == 0", "all_zero(s->configid, sizeof(s->configid))"),
    ("encls_build.c", "if (sgx_ssa_frame_bytes(m, s->attributes.xfrm, s->miscselect) > (u64)s->ssaframesize * PAGE_SIZE)\n        return false;", ""),
    ("encls_build.c", "!page_type_is(args->secinfo->flags, SGX_PT_SECS)", "args->secinfo->flags != SGX_SECINFO_PT(SGX_PT_SECS)"),
    ("encls_build.c", "if (args->linaddr || (args->secs && args->secs != SGX_NO_SECS))", "if (args->linaddr)"),
    ("encls_build.c", "tcs->cssa = 0;", ""),
    ("encls_build.c", "tcs->aep = tcs->stage = 0;", ""),
    ("encls_build.c", "tcs->flags &= ~SGX_TCS_DBGOPTIN;", ""),
    ("encls_build.c", "if (!tcs_reserved_clear(m, tcs) || !tcs_limits_valid(secs, tcs))", "if (!tcs_limits_valid(secs, tcs))"),
    ("encls_build.c", "if (!tcs_reserved_clear(m, tcs) || !tcs_limits_valid(secs, tcs))", "if (!tcs_reserved_clear(m, tcs))"),
    ("encls_build.c", "} else if ((info.flags & SGX_SECINFO_W) && !(info.flags & SGX_SECINFO_R)) {", "} else if (false) {"),
    ("encls_build.c", "if (!in_elrange(secs->base, secs->size, args->linaddr, PAGE_SIZE) ||", "if ("),
    ("encls_build.c", "    if (!IS_ALIGNED(args->linaddr, PAGE_SIZE))\n        return gp();\n    TRY(check_epc_page(m, args->secs));", "    TRY(check_epc_page(m, args->secs));\n    if (!IS_ALIGNED(args->linaddr, PAGE_SIZE))\n        return gp();"),
    ("encls_build.c", "    TRY(check_epc_page(m, secs_address));\n    if (!IS_ALIGNED(epc, 256))\n        return gp();", "    if (!IS_ALIGNED(epc, 256))\n        return gp();\n    TRY(check_epc_page(m, secs_address));"),
    ("encls_build.c", "if (!IS_ALIGNED(epc, 256))", "if (!IS_ALIGNED(epc, 128))"),
    ("encls_build.c", "(e->type != SGX_PT_REG && e->type != SGX_PT_TCS)", "!is_child_type(e->type)"),
    ("encls_build.c", "    if (secs->attributes.flags & SGX_ATTR_INIT)\n        return gp();\n    struct secs_private *private = secs_private_of(m, e->secs);", "    struct secs_private *private = secs_private_of(m, e->secs);"),
    ("encls_build.c", "if (!accepted_trim && sgx_threads_inside(m, e->secs))", "if (false)"),
    ("encls_build.c", "e->type == SGX_PT_TRIM && !e->modified;", "e->type == SGX_PT_TRIM && is_tracked(m, page);"),
    ("encls_build.c", "e->type == SGX_PT_TRIM && !e->modified;", "e->type == SGX_PT_TRIM;"),
    ("encls_build.c", "e->type == SGX_PT_TRIM && !e->modified;", "false;"),
    # EINIT
    ("encls_einit.c", "&& s->exponent == 3 &&", "&&"),
    ("encls_einit.c", "(s->vendor == 0 || s->vendor == VENDOR_INTEL) &&", ""),
    ("encls_einit.c", "!s->cet_attributes && !s->cet_attributes_mask", "!s->cet_attributes"),
    ("encls_einit.c", "all_zero(s->reserved4, sizeof(s->reserved4)) &&", ""),
    ("encls_einit.c", "    if (!(secs->attributes.flags & SGX_ATTR_KSS) && !all_zero(sig.isvfamilyid, sizeof(sig.isvfamilyid)))\n        return error(SGX_INVALID_SIG_STRUCT);\n", ""),
    ("encls_einit.c", "    if (!(secs->attributes.flags & SGX_ATTR_KSS) && !all_zero(sig.isvfamilyid, sizeof(sig.isvfamilyid)))\n        return error(SGX_INVALID_SIG_STRUCT);\n    if (secs->attributes.flags & SGX_ATTR_INIT)\n        return gp();", "    if (secs->attributes.flags & SGX_ATTR_INIT)\n        return gp();\n    if (!(secs->attributes.flags & SGX_ATTR_KSS) && !all_zero(sig.isvfamilyid, sizeof(sig.isvfamilyid)))\n        return error(SGX_INVALID_SIG_STRUCT);"),
    ("encls_einit.c", "    if ((secs->attributes.flags & SGX_ATTR_EINITTOKEN_KEY) && !authorized)\n        return error(SGX_INVALID_ATTRIBUTE);\n", ""),
    ("encls_einit.c", "(secs->miscselect & s->miscmask) == (s->miscselect & s->miscmask)", "true"),
    ("encls_einit.c", "(a.xfrm & mask.xfrm) == (want.xfrm & mask.xfrm) &&", ""),
    ("encls_einit.c", "    if (secs->attributes.flags & SGX_ATTR_INIT)\n        return gp();\n", ""),
    # EAUG, EMODPR, EMODT
    ("encls_edmm.c", "|| args->srcpge)", ")"),
    ("encls_edmm.c", "    if (args->secinfo) // only for shadow stacks, which need CET\n        return gp();\n", ""),
    ("encls_edmm.c", "    if (e->valid)\n        return pf_epc(epc);\n    if (args->secinfo) // only for shadow stacks, which need CET\n        return gp();", "    if (args->secinfo)\n        return gp();\n    if (e->valid)\n        return pf_epc(epc);"),
    ("encls_edmm.c", "    if (!(secs->attributes.flags & SGX_ATTR_INIT))\n        return gp();\n    if (!in_elrange", "    if (!in_elrange"),
    ("encls_edmm.c", "    if (e->pending || e->modified)\n        return error(SGX_PAGE_NOT_MODIFIABLE);\n    if (e->type != SGX_PT_REG)\n        return pf_epc(epc);", "    if (e->type != SGX_PT_REG)\n        return pf_epc(epc);\n    if (e->pending || e->modified)\n        return error(SGX_PAGE_NOT_MODIFIABLE);"),
    ("encls_edmm.c", "|| ((flags & SGX_SECINFO_W) && !(flags & SGX_SECINFO_R)))", ")"),
    ("encls_edmm.c", "(e->type == SGX_PT_TCS && trim)", "e->type == SGX_PT_TCS"),
    ("encls_edmm.c", "    e->pr = false;", ""),
    ("encls_edmm.c", "!(trim || page_type_is(secinfo->flags, SGX_PT_TCS))", "false"),
    # EBLOCK, ETRACK, EPA, EWB, ELD (36.5)
    ("encls_paging.c", "return informed(e->type == SGX_PT_SECS ? SGX_PG_IS_SECS : SGX_NOTBLOCKABLE);", "return error(e->type == SGX_PT_SECS ? SGX_PG_IS_SECS : SGX_NOTBLOCKABLE);"),
    ("encls_paging.c", "e->type == SGX_PT_SECS ? SGX_PG_IS_SECS : SGX_NOTBLOCKABLE", "SGX_NOTBLOCKABLE"),
    ("encls_paging.c", "        return informed(SGX_BLKSTATE);", "        return success();"),
    ("encls_paging.c", "    TRY(check_epc_page(m, epc));\n    if (!IS_ALIGNED(va_slot, 8))\n        return gp();", "    if (!IS_ALIGNED(va_slot, 8))\n        return gp();\n    TRY(check_epc_page(m, epc));"),
    ("encls_paging.c", "    if (page_index(epc) == page_index(va_slot))\n        return gp();\n", ""),
    ("encls_paging.c", "if (args->linaddr || (args->secs && args->secs != SGX_NO_SECS))\n        return gp();", "if (args->linaddr)\n        return gp();"),
    ("encls_paging.c", "e->type == SGX_PT_SECS ? secs_private_of(m, page)->eid : eid", "eid"),
    ("encls_paging.c", ".eid = eid, .linaddr = linaddr,", ".eid = eid,"),
    ("encls_paging.c", ".secinfo = pcmd->secinfo, .eid = eid,", ".eid = eid,"),
    ("encls_paging.c", ".secinfo = pcmd->secinfo, .eid = eid,", ".secinfo.flags = pcmd->secinfo.flags, .eid = eid,"),
    ("encls_paging.c", "memcpy(h.reserved, pcmd->reserved, sizeof(h.reserved));", ""),
    ("encls_paging.c", "{ .secinfo = pcmd->secinfo, .eid = eid,", "{ .secinfo = pcmd->secinfo,"),
    ("encls_paging.c", "secs_private_of(m, page)->children ? error(SGX_CHILD_PRESENT) : success()", "success()"),
    ("encls_paging.c", "*slot ? informed(SGX_VA_SLOT_OCCUPIED) : success()", "success()"),
    ("encls_paging.c", "if (rbx != SGX_PT_VA)", "if ((rbx & 0xff) != SGX_PT_VA)"),
    ("encls_paging.c", "    if (!is_va_page(m, va_slot))\n        return pf_epc(va_slot);\n    // PCMD", "    // PCMD"),
    ("encls_paging.c", "        private->children++;", ""),
    ("encls_paging.c", ".pr = flags & SGX_SECINFO_PR", ".pr = false"),
    ("model.c", "if (private->epoch >= e->tracked_epoch + 2)", "if (private->epoch >= e->tracked_epoch + 1)"),
    ("model.c", "&& private->inside[e->tracked_epoch & 1] == 0;", ";"),
    # EDBGRD, EDBGWR
    ("encls_debug.c", "bool type = e->type == SGX_PT_REG || e->type == SGX_PT_TCS ||", "bool type = is_child_type(e->type) ||"),
    ("encls_debug.c", "(va && e->type == SGX_PT_VA)", "e->type == SGX_PT_VA"),
    ("encls_debug.c", "*word_at(m, epc) & ~7ull ? UINT64_MAX : 0", "*word_at(m, epc)"),
    ("encls_debug.c", "& ~7ull ? UINT64_MAX", "? UINT64_MAX"),
    ("encls_debug.c", "if (e->type == SGX_PT_TCS && (epc & PAGE_MASK) >= TCS_LIMIT)\n        return gp();", ""),
    ("encls_debug.c", "if (e->type == SGX_PT_TCS && (epc & PAGE_MASK) != offsetof(struct sgx_tcs, flags))\n        return gp();", ""),
    ("encls_debug.c", "    if (!owner_allows(m, e))\n        return gp();\n    *ret_value", "    *ret_value"),
    ("encls_debug.c", "    if (!owner_allows(m, e))\n        return gp();\n    *word_at", "    *word_at"),
    ("encls_debug.c", "return e->pending || e->modified ? error(SGX_PAGE_NOT_DEBUGGABLE) : success();", "return e->pending ? error(SGX_PAGE_NOT_DEBUGGABLE) : success();"),
    # access control (35.3, 35.5)
    ("access.c", "e->valid && is_child_type(e->type) && e->secs == secs && e->linaddr == linaddr", "e->valid && is_child_type(e->type) && e->secs == secs"),
    ("access.c", "is_child_type(e->type) && e->secs == secs && e->linaddr", "is_child_type(e->type) && e->linaddr"),
    ("access.c", "e->linaddr == linaddr && !e->blocked;", "e->linaddr == linaddr;"),
    ("access.c", "&& (sgx_epcm_rights(e) >> access & 1))", ")"),
    ("access.c", "    if (cpu->in_enclave && access == SGX_EXEC)\n        return gp();", ""),
    ("access.c", "if (!pte.is_epc || pte.page >= m->pages)", "if (pte.page >= m->pages)"),
    ("access.c", "return pf(place, access_code(access) | SGX_PFEC_P | SGX_PFEC_SGX);", "return pf(place, access_code(access) | SGX_PFEC_P);"),
    # EENTER, ERESUME, EEXIT, AEX (37.4, 38.4, 40.2)
    ("enclu_entry.c", "    if (!is_canonical(cpu->gpr.rcx)) // the AEP\n        return gp();\n", ""),
    ("enclu_entry.c", "    if (!IS_ALIGNED(e->tcs->ossa | e->tcs->ofsbase | e->tcs->ogsbase, PAGE_SIZE))\n        return gp();\n", ""),
    ("enclu_entry.c", "    if (e->tcs->flags & ~tcs_flags_defined(m))\n        return gp();\n", ""),
    ("enclu_entry.c", "(secs->attributes.xfrm & ~cpu->xcr0) ||", ""),
    ("enclu_entry.c", "|| !aexnotify_agrees(secs, e->tcs))", ")"),
    ("enclu_entry.c", "return (tcs->flags & SGX_TCS_DBGOPTIN) || of_secs == of_tcs;", "return of_secs == of_tcs;"),
    ("enclu_entry.c", "!(secs->attributes.flags & SGX_ATTR_INIT) || !(secs->attributes.flags & SGX_ATTR_MODE64BIT)", "!(secs->attributes.flags & SGX_ATTR_MODE64BIT)"),
    ("enclu_entry.c", "|| e.tcs->cssa >= e.tcs->nssa)", ")"),
    ("enclu_entry.c", "if (!is_canonical(fs) || !is_canonical(gs) ||", "if ("),
    ("enclu_entry.c", "if (!is_canonical(target) || e.tcs->stage)", "if (e.tcs->stage)"),
    ("enclu_entry.c", "if (!is_canonical(target) || e.tcs->stage)", "if (!is_canonical(target))"),
    ("enclu_entry.c", "|| e.tcs->cssa >= e.tcs->nssa)", "|| e.tcs->cssa >= e.tcs->nssa || !is_canonical(target))"),
    ("enclu_entry.c", "    if (e.tcs->cssa == 0)\n        return gp();\n", ""),
    ("enclu_entry.c", "if (!is_canonical(saved.rip) || !is_canonical(saved.fsbase)", "if (!is_canonical(saved.fsbase)"),
    ("enclu_entry.c", "    saved.rflags &= ~RFLAGS_TF;                  // SDM 40.2.4\n", ""),
    ("enclu_entry.c", "(cpu->gpr.rflags & RFLAGS_IOPL) == RFLAGS_IOPL ? RFLAGS_IF : 0", "0"),
    ("enclu_entry.c", "(cpu->gpr.rflags & RFLAGS_IOPL) == RFLAGS_IOPL ? RFLAGS_IF : 0", "RFLAGS_IF"),
    ("enclu_entry.c", "kept | (s->rflags & taken)", "s->rflags"),
    ("enclu_entry.c", ".maddr = address, .errcd", "  .maddr = ALIGN_DOWN(address, PAGE_SIZE), .errcd"),
    ("enclu_entry.c", "ssa_write(m, &cpu->ssa, ssa_gpr_offset(&cpu->ssa) + offsetof(struct sgx_gprsgx, ursp), stack, sizeof(stack));", ""),
    ("enclu_entry.c", "e.tcs->cssa--;\n    load_gpr", "e.tcs->cssa--;\n    u64 again[2] = { cpu->gpr.rsp, cpu->gpr.rbp };\n    ssa_write(m, &cpu->ssa, ssa_gpr_offset(&cpu->ssa) + offsetof(struct sgx_gprsgx, ursp), again, 16);\n    load_gpr"),
    ("enclu_entry.c", "if (!cpu->debug_optin)\n        cpu->gpr.rflags = (cpu->gpr.rflags & ~RFLAGS_TF)", "if (true)\n        cpu->gpr.rflags = (cpu->gpr.rflags & ~RFLAGS_TF)"),
    ("enclu_entry.c", "if (!is_canonical(cpu->gpr.rbx))", "if (false)"),
    ("enclu_entry.c", "u32 type = vector == SGX_BP ? SGX_EXIT_SW : SGX_EXIT_HW;", "u32 type = SGX_EXIT_HW;"),
    ("enclu_entry.c", "secs->miscselect & SGX_MISC_EXINFO ? told_with_exinfo : 0", "told_with_exinfo"),
    ("enclu_entry.c", "    cpu->xcr0 = e->secs->attributes.xfrm;", ""),
    ("enclu.c", "|| (number == ENCLU_EDECCSSA && !m->config.aex_notify))", ")"),
    ("enclu.c", "leaf->enters == cpu->in_enclave ||", ""),
    ("enclu.c", "(leaf->sgx2 && !m->config.sgx2)", "false"),
    ("enclu.c", "if (tcs->cssa == 0)\n        return gp();", ""),
    ("ssa.c", "e->type == SGX_PT_REG && e->r && e->w &&", "e->type == SGX_PT_REG && e->r &&"),
    ("ssa.c", "e->type == SGX_PT_REG && e->r && e->w &&", "e->type == SGX_PT_REG && e->w &&"),
    ("ssa.c", "page_belongs(e, secs_page, linaddr) &&", ""),
    ("ssa.c", "&& !header[1] && !header[2] &&", "&& !header[1] &&"),
    ("ssa.c", "!(header[0] & ~xfrm) &&", "true &&"),
    ("ssa.c", "&& !(mxcsr & 0xffff0000u);", ";"),
    ("ssa.c", "    header[0] &= xfrm;\n", ""),
    ("ssa.c", "ssa_write(m, &cpu->ssa, XSAVE_LEGACY, header, sizeof(header));", "u8 whole[64] = { 0 };\n    memcpy(whole, header, 8);\n    ssa_write(m, &cpu->ssa, XSAVE_LEGACY, whole, sizeof(whole));"),
    # EACCEPT, EACCEPTCOPY, EMODPE
    ("enclu_edmm.c", "return (pr || pending) && !modified;", "return true;"),
    ("enclu_edmm.c", "return (pr || pending) && !modified;", "return pr || pending;"),
    ("enclu_edmm.c", "&& !pr && !pending && modified;", "&& !pending && modified;"),
    ("enclu_edmm.c", "((flags ^ epcm_flags(e)) & ~SGX_SECINFO_PR))", "flags != epcm_flags(e))"),
    ("enclu_edmm.c", "if (e->linaddr != linaddr || ((flags ^ epcm_flags(e)) & ~SGX_SECINFO_PR))\n        return error(SGX_PAGE_ATTRIBUTES_MISMATCH);", "if (e->linaddr != linaddr)\n        return error(SGX_PAGE_ATTRIBUTES_MISMATCH);"),
    ("enclu_edmm.c", "if (e->linaddr != linaddr || ((flags", "if (((flags"),
    ("enclu_edmm.c", "!is_child_type(e->type) || e->secs != cpu->secs)\n        return pf_enclu(linaddr);", "!is_child_type(e->type))\n        return pf_enclu(linaddr);"),
    ("enclu_edmm.c", "    TRY(operand_walk(m, cpu, linaddr, SGX_READ, &page));\n    if (!acceptable(flags))\n        return gp();", "    if (!acceptable(flags))\n        return gp();\n    TRY(operand_walk(m, cpu, linaddr, SGX_READ, &page));"),
    ("enclu_edmm.c", "    TRY(read_secinfo(m, cpu, &flags));\n    if (!page_placed(cpu, linaddr))\n        return gp();", "    if (!page_placed(cpu, linaddr))\n        return gp();\n    TRY(read_secinfo(m, cpu, &flags));"),
    ("enclu_edmm.c", "!(tcs->flags & SGX_TCS_DBGOPTIN) &&", ""),
    ("enclu_edmm.c", "tcs->cssa < tcs->nssa &&", ""),
    ("enclu_edmm.c", "&& !tcs->aep &&", "&&"),
    ("enclu_edmm.c", "           !tcs->stage &&", "          "),
    ("enclu_edmm.c", "return tcs_reserved_clear(m, tcs) &&", "return"),
    ("enclu_edmm.c", "&& tcs_limits_valid(secs, tcs)", ""),
    ("enclu_edmm.c", "        tcs->cssa = 0; // SDM 35.8\n", ""),
    ("enclu_edmm.c", "e->pending && !e->modified && e->r && e->w &&\n           !e->x;", "!e->modified && e->r && e->w && !e->x;"),
    ("enclu_edmm.c", "e->pending && !e->modified && e->r && e->w &&\n           !e->x;", "e->pending && !e->modified;"),
    ("enclu_edmm.c", "if (!copy_target(e, cpu->secs, to))\n        return error(SGX_PAGE_ATTRIBUTES_MISMATCH);", "if (!copy_target(e, cpu->secs, to))\n        return pf_enclu(to);"),
    ("enclu_edmm.c", "TRY(operand_walk(m, cpu, to, SGX_WRITE, &page));", "TRY(operand_walk(m, cpu, to, SGX_READ, &page));"),
    ("enclu_edmm.c", "    TRY(operand_check(m, cpu, from, source, SGX_READ));\n", ""),
    ("enclu_edmm.c", "if (!page_type_is(flags, SGX_PT_REG) || ((flags & SGX_SECINFO_W) && !(flags & SGX_SECINFO_R)))", "if (!page_type_is(flags, SGX_PT_REG))"),
    ("enclu_edmm.c", "    TRY(operand_walk(m, cpu, from, SGX_READ, &source));\n    TRY(read_secinfo(m, cpu, &flags));", "    TRY(read_secinfo(m, cpu, &flags));\n    TRY(operand_walk(m, cpu, from, SGX_READ, &source));"),
    ("enclu_edmm.c", "e->type != SGX_PT_REG || e->pending || e->modified)\n        return pf_enclu(linaddr);", "e->type != SGX_PT_REG)\n        return pf_enclu(linaddr);"),
    ("enclu_edmm.c", "    TRY(operand_walk(m, cpu, linaddr, SGX_READ, &page));\n    TRY(read_secinfo(m, cpu, &flags));", "    TRY(read_secinfo(m, cpu, &flags));\n    TRY(operand_walk(m, cpu, linaddr, SGX_READ, &page));"),
    ("enclu_edmm.c", "    if (!e->r && !(flags & SGX_SECINFO_R) && (flags & SGX_SECINFO_W))\n        return gp();\n", ""),
    # EREPORT, EGETKEY
    ("enclu_report.c", "    TRY(enclu_operand(m, cpu, cpu->gpr.rbx, sizeof(target), sizeof(target), SGX_READ, &target_data));\n    TRY(enclu_operand(m, cpu, cpu->gpr.rcx, REPORTDATA_ALIGN, REPORTDATA_SIZE, SGX_READ, &report_data));", "    TRY(enclu_operand(m, cpu, cpu->gpr.rcx, REPORTDATA_ALIGN, REPORTDATA_SIZE, SGX_READ, &report_data));\n    TRY(enclu_operand(m, cpu, cpu->gpr.rbx, sizeof(target), sizeof(target), SGX_READ, &target_data));"),
    ("enclu_report.c", "REPORTDATA_ALIGN = 128", "REPORTDATA_ALIGN = 64"),
    ("enclu_report.c", "REPORT_ALIGN = 512", "REPORT_ALIGN = 256"),
    ("enclu_report.c", "sizeof(report), SGX_WRITE, &out", "sizeof(report), SGX_READ, &out"),
    ("enclu_report.c", "KEY_SIZE, KEY_SIZE, SGX_WRITE, &out", "KEY_SIZE, KEY_SIZE, SGX_READ, &out"),
    ("enclu_report.c", "(secs->attributes.flags & SGX_ATTR_EINITTOKEN_KEY) &&", ""),
    ("enclu_report.c", "memcmp(secs->mrsigner, m->lepubkeyhash, sizeof(secs->mrsigner)) == 0", "true"),
    ("enclu_report.c", "keyname == SGX_KEYSELECT_SEAL || (secs->attributes.flags & SGX_ATTR_PROVISIONKEY)", "true"),
    ("enclu_report.c", "(r->keyname == SGX_KEYSELECT_SEAL && r->configsvn > secs->configsvn)", "r->configsvn > secs->configsvn"),
    ("enclu_report.c", "|| (r->keyname == SGX_KEYSELECT_SEAL && r->configsvn > secs->configsvn))", ")"),
    ("enclu_report.c", "r->isvsvn > secs->isvsvn || (r->keyname", "(r->keyname"),
    ("enclu_report.c", "if (!cpusvn_allowed(m, r->cpusvn))\n        return SGX_INVALID_CPUSVN;", ""),
    ("enclu_report.c", "    if (!may_have_key(m, secs, r->keyname))\n        return SGX_INVALID_ATTRIBUTE;\n    if (!cpusvn_allowed(m, r->cpusvn))\n        return SGX_INVALID_CPUSVN;", "    if (!cpusvn_allowed(m, r->cpusvn))\n        return SGX_INVALID_CPUSVN;\n    if (!may_have_key(m, secs, r->keyname))\n        return SGX_INVALID_ATTRIBUTE;"),
    ("enclu_report.c", "|| (r->configsvn && !kss))", ")"),
    ("enclu_report.c", "(r->keypolicy & ~policies) ||", ""),
    ("enclu_report.c", "[SGX_KEYSELECT_EINITTOKEN] = { .owner = true, .signer = true }", "[SGX_KEYSELECT_EINITTOKEN] = { .owner = true }"),
    ("enclu_report.c", "[SGX_KEYSELECT_PROVISION] = { .masks = true, .signer = true }", "[SGX_KEYSELECT_PROVISION] = { .masks = true, .signer = true, .owner = true }"),
    ("enclu_report.c", "[SGX_KEYSELECT_PROVISION] = { .masks = true, .signer = true }", "[SGX_KEYSELECT_PROVISION] = { .signer = true }"),
    ("enclu_report.c", "{ .masks = true, .policy = true, .signer = true }", "{ .masks = true, .signer = true }"),
    ("enclu_report.c", "[SGX_KEYSELECT_SEAL] = { .owner = true, .masks = true, .policy = true }", "[SGX_KEYSELECT_SEAL] = { .masks = true, .policy = true }"),
    ("enclu_report.c", "        d->configsvn = r->configsvn;\n    }", "    }\n    d->configsvn = r->configsvn;"),
    ("enclu_report.c", "    if (r->keypolicy & SGX_KEYPOLICY_NOISVPRODID)\n        d->isvprodid = 0;\n", ""),
    ("enclu_report.c", "    d->keypolicy = r->keypolicy;\n", "    d->keypolicy = 0, d->isvprodid = secs->isvprodid;\n"),
    ("enclu_report.c", ".miscselect = secs->miscselect & r->miscmask", ".miscselect = 0"),
    ("enclu_report.c", "    if (r->keypolicy & SGX_KEYPOLICY_ISVEXTPRODID)\n        memcpy(d->isvextprodid, private->isvextprodid, sizeof(d->isvextprodid));\n", ""),
    ("enclu_report.c", "    memcpy(d->cpusvn, r->cpusvn, sizeof(d->cpusvn));\n", ""),
    ("keys.c", "memcpy(d.cpusvn, m->cpusvn, sizeof(d.cpusvn));", ""),
    ("keys.c", "memcpy(d.owner_epoch, m->owner_epoch, sizeof(d.owner_epoch));", ""),
    ("enclu_report.c", "memcpy(body->configid, secs->configid, sizeof(body->configid));", ""),
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
        done = run([str(program)], timeout=60 * limits.scale() * limits.load(), env={**os.environ, "SGX_MODEL_SEQUENCES": "500"})
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


def judge(number, base, folder):
    """True if a test fails with the mutant. One that survives, or is none, is printed."""
    try:
        if try_mutant(number, base, folder):
            return True
        said = "SURVIVED"
    except RuntimeError as error:
        said = f"NO MUTANT ({error})"
    print(f"# {said} {number}: {MUTANTS[number][0]}: {MUTANTS[number][1]!r} -> {MUTANTS[number][2]!r}", flush=True)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-j", type=int, default=2, help="jobs")
    parser.add_argument("-k", default="", help="only mutants whose file or text has this word")
    parser.add_argument("--sample", type=int, help="only N of them, each day others, as TAP")
    args = parser.parse_args()
    chosen = [n for n, m in enumerate(MUTANTS) if args.k in m[0] or args.k in m[1]]
    if args.sample:
        chosen = random.Random(str(datetime.date.today())).sample(chosen, args.sample)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        base = compile_base(folder)
        if not tests_pass(base, folder / "unchanged"):
            sys.exit("the unchanged model fails its tests")
        with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
            caught = list(pool.map(lambda n: judge(n, base, folder), chosen))
    if args.sample:
        print(f"1..{len(chosen)}")
        for number, (n, good) in enumerate(zip(chosen, caught), 1):
            print(f'{"" if good else "not "}ok {number} - mutant {n} of {MUTANTS[n][0]} is caught')
    else:
        print(f"{sum(caught)} of {len(chosen)} mutants caught")
    sys.exit(0 if all(caught) and chosen else 1)


if __name__ == "__main__":
    main()
