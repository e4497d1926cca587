# SPDX-License-Identifier: BSD-3-Clause
"""embed.py INPUT OUTPUT NAME: writes the bytes of INPUT as an aligned C array."""
import sys

data = open(sys.argv[1], "rb").read()
with open(sys.argv[2], "w") as out:
    out.write("// Generated.\nstatic const unsigned char %s[] __attribute__((aligned(4096))) = {\n" % sys.argv[3])
    for i in range(0, len(data), 24):
        out.write("".join("%d," % b for b in data[i:i + 24]) + "\n")
    out.write("};\n")
