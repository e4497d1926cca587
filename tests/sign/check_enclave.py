#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Independent checker of enclave files: shares no code with the signer.

check_enclave.py FILE             checks one file, prints its MRENCLAVE
check_enclave.py --suite TOOL ELF signs many layouts with TOOL and checks each, then checks that faults are found
"""
import hashlib
import os
import struct
import subprocess
import sys
import tempfile

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

PAGE = 4096
HEADER = struct.Struct("<QIIQQII")
LAYOUT_NAMES = ("magic mode edmm elrange_size user_start user_end user_committed_end user_limit image_start image_end "
                "config_start config_size slots_start slot_stride ").split()
REGION = struct.Struct("<QQQQQ24s")
MEASURED, ZERO = 1, 2
PT_TCS, PT_REG = 0x100, 0x200


class Bad(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Bad(why)


def parse_layout(data):
    values = struct.unpack_from("<QII" + "Q" * 11 + "II" + "Q" * 6, data)
    names = LAYOUT_NAMES + ["slots_init", "slots_max", "stack_size", "heap_start", "heap_init_end", "heap_end", "xfrm",
                            "entry"]
    return dict(zip(names, values)), struct.calcsize("<QII" + "Q" * 11 + "II" + "Q" * 6)


def check_tcs(page, addr, lay):
    _, flags, ossa, cssa, nssa, oentry, aep, fs, gs, fsl, gsl = struct.unpack_from("<QQQIIQQQQII", page)
    slot = (addr - lay["slots_start"]) // lay["slot_stride"]
    need(addr == lay["slots_start"] + slot * lay["slot_stride"], "TCS is not at the start of a slot")
    need((flags, cssa, nssa, aep, fsl, gsl) == (0, 0, 2, 0, 0xfff, 0xfff), "TCS fields")
    need(ossa == addr + PAGE and oentry == lay["entry"], "TCS OSSA or OENTRY")
    need(fs == gs == addr + lay["slot_stride"] - PAGE, "TCS bases")
    need(not any(page[72:]), "TCS reserved bytes")


def measure(data, regions, lay, ssa):
    digest = hashlib.sha256(struct.pack("<8sIQ44x", b"ECREATE", ssa, lay["elrange_size"]))
    last = lay["user_start"]
    tcs = 0
    for addr, size, offset, secinfo, flags, _ in regions:
        need(addr >= last and addr % PAGE == 0 and size % PAGE == 0 and size > 0, "regions out of order or overlapping")
        last = addr + size
        need(last <= lay["elrange_size"], "region outside ELRANGE")
        need(flags in (MEASURED, ZERO), "region flags")
        need(secinfo & 0xff00 in (PT_TCS, PT_REG) and secinfo & ~0xff07 == 0, "SECINFO")
        if flags & ZERO:
            need(offset == 0, "zero region has an offset")
        else:
            need(offset % PAGE == 0 and offset and offset + size <= len(data), "region outside the file")
        for at in range(0, size, PAGE):
            digest.update(struct.pack("<8sQQ40x", b"EADD", addr + at, secinfo))
            if flags & ZERO:
                continue
            page = data[offset + at:offset + at + PAGE]
            if secinfo & 0xff00 == PT_TCS:
                check_tcs(page, addr + at, lay)
                tcs += 1
            for chunk in range(0, PAGE, 256):
                digest.update(struct.pack("<8sQ48x", b"EEXTEND", addr + at + chunk))
                digest.update(page[chunk:chunk + 256])
    need(tcs == lay["slots_init"], "number of TCS pages")
    return digest.digest()


def check_sigstruct(sig, mrenclave):
    need(sig[0:16] == bytes.fromhex("06000000e100000000000100 00000000".replace(" ", "")), "SIGSTRUCT header")
    need(sig[24:40] == bytes.fromhex("01010000600000006000000001000000"), "SIGSTRUCT header2")
    m, s, q1, q2 = (int.from_bytes(sig[o:o + 384], "little") for o in (128, 516, 1040, 1424))
    need(struct.unpack_from("<I", sig, 512)[0] == 3 and m.bit_length() == 3072, "key")
    need(not any(sig[44:128]) and not any(sig[910:912]) and not any(sig[992:1008]) and not any(sig[1028:1040]), "reserved")
    try:
        rsa.RSAPublicNumbers(3, m).public_key().verify(s.to_bytes(384, "big"), sig[0:128] + sig[900:1028],
                                                      padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise Bad("signature") from None
    need(q1 == s * s // m and q2 == (s * s * s - q1 * s * m) // m, "Q1 or Q2")
    need(sig[960:992] == mrenclave, "ENCLAVEHASH is not MRENCLAVE")
    flags, xfrm, fmask, _ = struct.unpack_from("<QQQQ", sig, 928)
    need(flags & 4 and not flags & ~0x86 and xfrm & 3 == 3 and fmask == 2**64 - 1, "attributes")
    return hashlib.sha256(sig[128:512]).digest()


def check(data):
    """Returns (mrenclave, mrsigner, layout, sigstruct); raises Bad."""
    need(len(data) >= PAGE, "short file")
    magic, version, count, table, size, ssa, reserved = HEADER.unpack_from(data)
    need(magic.to_bytes(8, "little") == b"OCENCLV1" and version == 1, "magic or version")
    need(size == len(data) and ssa == 4 and reserved == 0, "size, SSAFRAMESIZE or reserved field")
    lay, lay_size = parse_layout(data[HEADER.size:])
    need(lay["magic"].to_bytes(8, "little") == b"OLAYOUT1", "layout magic")
    end = HEADER.size + lay_size + 1808
    need(not any(data[end:table]) and table == PAGE and table + count * REGION.size <= len(data), "padding or table")
    regions = [REGION.unpack_from(data, table + i * REGION.size) for i in range(count)]
    first = min((r[2] for r in regions if not r[4] & ZERO), default=len(data))
    need(not any(data[table + count * REGION.size:first]), "padding after the table")
    for r in regions:
        need(r[5].rstrip(b"\0") in (b"image", b"threads", b"user_space", b"kernel_heap"), "region name")
    need(data.count(data[HEADER.size:HEADER.size + lay_size], first) == 1, "the image does not hold the header's layout")
    mrenclave = measure(data, regions, lay, ssa)
    sig = data[HEADER.size + lay_size:end]
    return mrenclave, check_sigstruct(sig, mrenclave), lay, sig


NAMES = ("ProdID ISVSVN StackMaxSize StackMinSize HeapInitSize HeapMaxSize HeapMinSize TCSNum TCSMaxNum TCSMinPool TCSPolicy "
         "DisableDebug MiscSelect MiscMask ReservedMemMaxSize ReservedMemMinSize ReservedMemInitSize ReservedMemExecutable "
         "UserRegionSize EnableKSS ISVEXTPRODID_H ISVEXTPRODID_L ISVFAMILYID_H ISVFAMILYID_L PKRU AMX").split()


def xml(edmm, n):
    """Layout number n of an arithmetic; returns the text and what must come out."""
    stack, heap, user, threads = 4096 * (n + 1), (n + 1) << 20, (3 * n + 1) << 20, 1 + 2 * n
    heap_max, tcs_max = (heap * 8, threads * 16) if edmm else (heap, threads)
    kss = n % 2
    values = dict(zip(NAMES, [n, n + 1, stack, stack, heap, heap_max, heap, threads, tcs_max, threads, 0, n % 3 == 0 and 1 or 0,
                              int(edmm), 0xffffffff if edmm else 0, user, user, user, 1, (16 << 30) + (1 << 30), kss,
                              kss * 7, kss * 8, kss * 9, kss * 10, n % 3, (n // 3) % 3]))
    if not edmm:
        del values["UserRegionSize"]
    lines = [f"  <{k}>{v if i % 2 else hex(v)}</{k}>\n" for i, (k, v) in enumerate(values.items())]
    if n % 2:
        lines.reverse()
    return "<EnclaveConfiguration>\n" + "".join(lines) + "</EnclaveConfiguration>\n", values


def expect(values, edmm, sim, lay, sig):
    need(lay["elrange_size"] & (lay["elrange_size"] - 1) == 0, "ELRANGE is no power of two")
    need(lay["elrange_size"] >= 64 << 30 or not (edmm or sim), "ELRANGE too small")
    need((lay["mode"], lay["edmm"]) == (2 if sim else 1, int(edmm)), "mode")
    need(lay["user_limit"] == (16 << 30 if edmm else values["ReservedMemMaxSize"]), "user_limit")
    need(lay["user_committed_end"] - lay["user_start"] == values["ReservedMemInitSize"], "user_committed_end")
    need(lay["heap_end"] - lay["heap_start"] == values["HeapMaxSize"], "heap size")
    need(lay["heap_init_end"] - lay["heap_start"] == values["HeapInitSize"], "initial heap")
    need((lay["slots_init"], lay["slots_max"]) == (values["TCSNum"], values["TCSMaxNum"]), "slots")
    need(lay["stack_size"] == values["StackMaxSize"], "stack")
    need(lay["user_end"] <= lay["image_start"] <= lay["image_end"] <= lay["config_start"], "order")
    need(lay["image_start"] % (2 << 20) == 0, "image alignment")
    need(lay["slots_start"] + lay["slots_max"] * lay["slot_stride"] <= lay["heap_start"], "slots and heap overlap")
    need(struct.unpack_from("<HH", sig, 1024) == (values["ProdID"], values["ISVSVN"]), "ProdID")
    need(struct.unpack_from("<QQ", sig, 1008) == (values["ISVEXTPRODID_L"], values["ISVEXTPRODID_H"]), "ext prod id")
    need(struct.unpack_from("<QQ", sig, 912) == (values["ISVFAMILYID_L"], values["ISVFAMILYID_H"]), "family id")
    need(struct.unpack_from("<II", sig, 900) == (values["MiscSelect"], values["MiscMask"]), "misc")
    flags = struct.unpack_from("<Q", sig, 928)[0]
    need(flags == 4 | (0 if values["DisableDebug"] else 2) | (0x80 if values["EnableKSS"] else 0), "flags")


def make_key(path, bits=3072, exponent=3):
    key = rsa.generate_private_key(65537, 3072) if exponent == 65537 else None
    if key is None:
        subprocess.run(["openssl", "genrsa", "-3", "-out", path, str(bits)], check=True, stderr=subprocess.DEVNULL)
    else:
        with open(path, "wb") as f:
            f.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption()))
    os.chmod(path, 0o600)


class Suite:
    def __init__(self, tool, elf, folder):
        self.tool, self.elf, self.folder, self.number, self.failed = tool, elf, folder, 0, 0
        self.key = self.path("key.pem")
        make_key(self.key)

    def path(self, name):
        return os.path.join(self.folder, name)

    def report(self, name, why=None):
        self.number += 1
        self.failed += why is not None
        print(f"{'not ok' if why else 'ok'} {self.number} - {name}" + (f"\n# {why}" if why else ""), flush=True)

    def sign(self, text, edmm, sim, out, key=None, config=b"config blob" * 1000, env=None):
        with open(self.path("Enclave.xml"), "w") as f:
            f.write(text)
        with open(self.path("config"), "wb") as f:
            f.write(config)
        return subprocess.run([self.tool, self.elf, self.path("Enclave.xml"), self.path("config"), "sim" if sim else "hw",
                               "edmm" if edmm else "static", key or self.key, self.path(out)], capture_output=True,
                              text=True, env=env, check=False)

    def layout(self, edmm, sim, n):
        text, values = xml(edmm, n)
        why = None
        try:
            run = self.sign(text, edmm, sim, "a")
            need(run.returncode == 0, run.stderr)
            with open(self.path("a"), "rb") as f:
                data = f.read()
            mrenclave, _, lay, sig = check(data)
            need(run.stdout.strip() == mrenclave.hex(), "print mrenclave")
            expect(values, edmm, sim, lay, sig)
            need(self.sign(text, edmm, sim, "b").returncode == 0, "second build")
            with open(self.path("b"), "rb") as f:
                need(f.read() == data, "a second build gives other bytes")
        except Bad as bad:
            why = str(bad)
        self.report(f"{'edmm' if edmm else 'static'} {'sim' if sim else 'hw'} layout {n}", why)

    def faults(self):
        """Every flipped byte must be found: the checker would be worthless otherwise."""
        text, _ = xml(False, 0)
        self.sign(text, False, False, "a")
        with open(self.path("a"), "rb") as f:
            data = f.read()
        places = [0, 9, 13, 17, 25, 33, 37] + list(range(40, 40 + 160, 8)) + list(range(220, 2000, 53))
        places += list(range(PAGE, PAGE + 700, 29)) + list(range(2 * PAGE, len(data), 3571))
        missed = []
        for at in places:
            bad = bytearray(data)
            bad[at] ^= 0x10
            try:
                check(bytes(bad))
                missed.append(at)
            except (Bad, ValueError, struct.error):
                pass
        self.report(f"each of {len(places)} flipped bytes is found", f"missed at {missed}" if missed else None)

    def refused(self, name, word, text=None, key=None, env=None):
        with open(self.path("kept"), "w") as f:
            f.write("old")
        run = self.sign(text or xml(False, 0)[0], False, False, "kept", key, env=env)
        with open(self.path("kept")) as f:
            kept = f.read() == "old"
        ok = run.returncode == 1 and word in run.stderr and kept
        self.report(f"refused: {name}", None if ok else f"{run.returncode} {run.stderr} kept={kept}")

    def keys(self):
        make_key(self.path("k2048"), 2048)
        self.refused("key of 2048 bits", "2048 bits", key=self.path("k2048"))
        make_key(self.path("k65537"), exponent=65537)
        self.refused("key with exponent 65537", "exponent is not 3", key=self.path("k65537"))
        os.chmod(self.path("k65537"), 0o644)
        self.refused("key others may read", "others", key=self.path("k65537"))
        self.refused("missing key", "No such file", key=self.path("nokey"))
        with open(self.path("junk"), "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write("junk")
        self.refused("key that is no PEM", "PEM", key=self.path("junk"))
        self.refused("duplicate element", "a second time", xml(False, 0)[0].replace("</Encl", "<AMX>0</AMX></Encl"))

        env = dict(os.environ, XDG_CONFIG_HOME=self.path("conf"))
        first = self.sign(xml(False, 0)[0], False, False, "a", "-", env=env)
        second = self.sign(xml(False, 0)[0], False, False, "b", "-", env=env)
        key = self.path("conf/occlum/sign-key.pem")
        ok = first.returncode == second.returncode == 0 and "sign-key.pem" in first.stderr and not second.stderr
        ok = ok and os.stat(key).st_mode & 0o777 == 0o600 and os.listdir(os.path.dirname(key)) == ["sign-key.pem"]
        self.report("the default key is made once, 0600, and announced", None if ok else first.stderr + second.stderr)


def suite(tool, elf):
    with tempfile.TemporaryDirectory() as folder:
        tests = Suite(tool, elf, folder)
        tests.faults()
        for n in range(8):
            tests.layout(False, False, n)
            tests.layout(False, True, n)
            tests.layout(True, False, n)
        tests.keys()
        print(f"1..{tests.number}")
        return 1 if tests.failed else 0


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--suite":
        return suite(sys.argv[2], sys.argv[3])
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    try:
        print(check(data)[0].hex())
        return 0
    except Bad as bad:
        print(f"{sys.argv[1]}: {bad}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
