# SPDX-License-Identifier: BSD-3-Clause
"""embed.py FILE OUT.c NAME: the text of FILE as the C string NAME."""
import sys
lines = open(sys.argv[1], encoding='ascii').read().splitlines()
text = '\n'.join('    "' + l.replace('\\', '\\\\').replace('"', '\\"') + '\\n"' for l in lines)
open(sys.argv[2], 'w').write(f'#include "config/template.h"\n\nconst char {sys.argv[3]}[] =\n{text};\n')
