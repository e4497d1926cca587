# SPDX-License-Identifier: BSD-3-Clause
"""What the end-to-end tests share: TAP output, commands with time limits, instances, native twins to compare with."""
import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

PROJECT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
sys.path.insert(0, os.path.join(PROJECT, 'tests'))
import limits  # noqa: E402
from limits import communicate, kill_group  # noqa: E402, F401
BUILD = os.environ.get('OCCLUM_BUILD', os.path.join(PROJECT, 'build'))
OCCLUM = os.path.join(BUILD, 'bin', 'occlum')
PROGRAMS = os.path.join(PROJECT, 'tests', 'e2e', 'programs')
PACK = os.path.join(PROJECT, 'tools', 'pack-program.py')
# Where the programs run: simulation, or SGX on the emulator, without and with EDMM. The suite is the same.
PLATFORM = os.environ.get('OCCLUM_E2E_PLATFORM', 'sim')
PLATFORMS = {'sim': {'SGX_MODE': 'SIM'}, 'emulated': {'SGX_MODE': 'HW', 'OCCLUM_EMULATE': '1', 'OCCLUM_EMULATE_OPTIONS': '--epc 4G'},
             'emulated-edmm': {'SGX_MODE': 'HW', 'ENABLE_EDMM': 'Y', 'OCCLUM_EMULATE': '1', 'OCCLUM_EMULATE_OPTIONS': '--epc 1024M'}}
# Of every instance: nothing is left to the template, whose maxima would win over the sizes without EDMM.
BASE_MEMORY = {'kernel_space_heap_size': '32MB', 'kernel_space_stack_size': '1MB', 'user_space_size': '300MB', 'max_num_of_threads': 128}
# Without EDMM all of it is added at each start, which the emulator does page by page.
MEMORY = {'sim': {'resource_limits.user_space_size': '1GB'}, 'emulated': {'resource_limits.user_space_size': '256MB'},
          'emulated-edmm': {'resource_limits.user_space_size': '8MB', 'resource_limits.user_space_max_size': '400MB', 'feature.enforce_max_limits': True,
                            'resource_limits.init_num_of_threads': 4, 'resource_limits.kernel_space_heap_size': '8MB'}}
# Switches that hide what this machine's kernel offers (docs/testing.md): a whole group may run under them.
HIDING = ('OCCLUM_NO_FSGSBASE', 'OCCLUM_NO_SUD')
# Seconds of an idle, ordinary machine (limits.py) after which a command counts as hanging.
RUN_TIMEOUT = 60
BUILD_TIMEOUT = 300


class Result:
    """How a command ended. Output is bytes; `status` is as a shell shows it; `text` decodes stdout."""

    def __init__(self, command, status, out, err, timed_out):
        self.command, self.status, self.out, self.err, self.timed_out = command, status, out, err, timed_out

    @property
    def text(self):
        return self.out.decode('utf-8', 'backslashreplace')

    @property
    def errors(self):
        return self.err.decode('utf-8', 'backslashreplace')

    def describe(self):
        lines = [f'command: {" ".join(map(str, self.command))[:400]}', f'status: {self.status}' + (' (timed out, killed)' if self.timed_out else '')]
        for name, text in (('stdout', self.text), ('stderr', self.errors)):
            lines += [f'{name}: {printable(line)}' for line in text.splitlines()[-25:]]
        return '\n'.join(lines)


def printable(line):
    """A line that a test report (and its XML) can hold."""
    return ''.join(c if c.isprintable() else f'\\x{ord(c):02x}' for c in line[:400])


def needs_address_space():
    """For programs that reserve far more than they use: without EDMM there are no addresses but those added at load."""
    if PLATFORM == 'emulated':
        raise Skip('without EDMM a program has no address beyond user_space_size')


def run_command(command, timeout=RUN_TIMEOUT, stdin=b'', env=None, cwd=None, preexec=None, stdout=subprocess.PIPE):
    """Runs a command in a session of its own and kills all of it when the time is over."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    source, data = (subprocess.PIPE, stdin) if isinstance(stdin, bytes) else (stdin, None)
    process = subprocess.Popen(command, stdin=source, stdout=stdout, stderr=subprocess.PIPE, env=env, cwd=cwd,
                               start_new_session=True, preexec_fn=preexec)
    try:
        out, err, timed_out = communicate(process, data, limits.Deadline(timeout))
    finally:
        kill_group(process)
    status = process.returncode
    return Result(command, 128 - status if status < 0 else status, out or b'', err or b'', timed_out)


# A program begins with the peak memory of the process that forked it, so that one is as small as can be.
MEASURE = """import os, resource, subprocess, sys, time
begin = time.perf_counter()
status = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode
print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def measured(command, cwd, env=None):
    """(seconds, KiB resident at most of the largest of its processes) of a command that must succeed."""
    result = must(['/usr/bin/python3', '-S', '-c', MEASURE, *command], cwd=cwd, env=clean_environment(env))
    seconds, memory = result.text.split()
    return float(seconds), int(memory)


class Failure(Exception):
    """An expectation that did not hold, with what was seen."""


class Skip(Exception):
    """A case that this machine cannot run, with the reason."""


def expect(condition, message, *results):
    if not condition:
        raise Failure('\n'.join([message] + [result.describe() for result in results]))


def expect_status(result, status):
    expect(result.status == status, f'the exit status is not {status}', result)


def expect_output(result, text, status=0):
    expect_status(result, status)
    expect(result.text == text, f'stdout is not {text!r}', result)


def expect_contains(result, *texts):
    for text in texts:
        expect(text in result.text, f'stdout lacks {text!r}', result)


_scratch = None


def scratch():
    """The temporary folder of this run; it goes when the run ends, however it ends short of SIGKILL."""
    global _scratch
    if _scratch is None:
        _scratch = tempfile.mkdtemp(prefix='occlum-e2e-')
        atexit.register(shutil.rmtree, _scratch, ignore_errors=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        signal.signal(signal.SIGINT, lambda *_: sys.exit(1))
    return _scratch


def must(command, **options):
    """Runs a command that the tests need; its failure ends the group."""
    result = run_command(command, timeout=BUILD_TIMEOUT, **options)
    expect(result.status == 0, 'a command that the tests need failed', result)
    return result


def clean_environment(extra=None):
    """What a shell would give, without what tunes occlum itself."""
    env = {'PATH': '/usr/bin:/bin', 'HOME': '/root', 'LANG': 'C.UTF-8', 'TMPDIR': scratch(), 'OCCLUM_QUIET': '1'}
    env.update((name, os.environ[name]) for name in HIDING if name in os.environ)
    env.update(PLATFORMS[PLATFORM])
    env.update(extra or {})
    return env


def occlum(*arguments, cwd=None, env=None, **options):
    return run_command([OCCLUM, *arguments], cwd=cwd or scratch(), env=clean_environment(env), **options)


def compile_program(name, *flags, compiler='gcc', output=None):
    """Compiles tests/e2e/programs/NAME.c; returns the path of the program."""
    target = os.path.join(scratch(), output or name)
    must([compiler, '-O1', '-g0', '-w', '-D_GNU_SOURCE', '-pthread', os.path.join(PROGRAMS, name + '.c'), '-o', target, *flags])
    return target


class Instance:
    """An Occlum instance with its twin: the same tree, where the same program runs natively."""

    def __init__(self, name, persistent=False, **changes):
        self.folder = os.path.join(scratch(), name)
        self.image = os.path.join(self.folder, 'image')
        self.twin = os.path.join(scratch(), name + '-native')
        result = occlum('new', self.folder)
        expect(result.status == 0, 'occlum new failed', result)
        self.configure(entry_points=['/bin', '/usr/bin', '/usr/sbin', '/sbin', '/tmp', '/opt'],
                       **{'env.default': ['PATH=/usr/bin:/bin', 'HOME=/root', 'LANG=C.UTF-8'], 'env.untrusted': ['OFFERED'],
                          'resource_limits': dict(BASE_MEMORY), **MEMORY[PLATFORM]})
        if 'mount' not in changes and not persistent:
            self.make_root_temporary()
        self.configure(**changes)

    def make_root_temporary(self):
        """What programs write to / ends with the run, so that every case begins with the image."""
        config = self.read_config()
        config['mount'][0]['options']['layers'][1]['options'] = {'temporary': True}
        self.configure(mount=config['mount'])

    @property
    def config_path(self):
        return os.path.join(self.folder, 'Occlum.json')

    def read_config(self):
        with open(self.config_path, encoding='utf-8') as file:
            # A new instance's file explains itself in comments, which Python's reader does not know.
            return json.loads(''.join(line for line in file if not line.lstrip().startswith('//')))

    def configure(self, **changes):
        """Sets fields of Occlum.json; a dot in a name descends."""
        config = self.read_config()
        for path, value in changes.items():
            *parents, last = path.split('.')
            place = config
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = value
        with open(self.config_path, 'w', encoding='utf-8') as file:
            json.dump(config, file, indent=1)

    def pack(self, *paths, exclude=()):
        options = [option for pattern in exclude for option in ('--exclude', pattern)]
        must(['/usr/bin/python3', PACK, *options, '--', self.image, *paths])

    def compile(self, *names, flags=()):
        for name in names:
            self.pack(f'{compile_program(name, *flags)}=/bin/{name}')

    def add_text(self, path, text, mode=0o644):
        target = os.path.join(self.image, path.lstrip('/'))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(target, mode)

    def build(self, *options):
        result = occlum('build', *options, cwd=self.folder, timeout=BUILD_TIMEOUT)
        expect(result.status == 0, 'occlum build failed', result)
        return result

    def run(self, *arguments, **options):
        return occlum('run', *arguments, cwd=self.folder, **options)

    def native(self, *arguments, **options):
        """Runs the same program on a copy of the same tree. Its /tmp is emptied first, as each run inside begins new."""
        if os.geteuid() != 0:
            raise Skip('comparing with a native run needs root (chroot)')
        if not os.path.isdir(self.twin):
            must(['cp', '-a', self.image, self.twin])
            # Only regular files keep their times in an image.
            must(['find', self.twin, '!', '-type', 'f', '-exec', 'touch', '-h', '-d', '@0', '{}', '+'])
            for name, minor in (('null', 3), ('zero', 5), ('urandom', 9)):
                os.makedirs(os.path.join(self.twin, 'dev'), exist_ok=True)
                must(['mknod', '-m', '666', os.path.join(self.twin, 'dev', name), 'c', '1', str(minor)])
        folder = os.path.join(self.twin, 'tmp')
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        os.chmod(folder, 0o1777)

        def enter():
            os.chroot(self.twin)
            os.chdir('/')
            os.umask(0o022)

        env = {'PATH': '/usr/bin:/bin', 'HOME': '/root', 'LANG': 'C.UTF-8'}
        return run_command(list(arguments), env=env, preexec=enter, **options)

    def same(self, *arguments, change=lambda text: text, stderr=False, alters=False, **options):
        """The program inside and its native twin end alike and print alike (after `change`, for what must differ).

        `alters`: it changes more than /tmp, so that the twin must be made anew.
        """
        inside = self.run(*arguments, **options)
        native = self.native(*arguments, **options)
        if alters:
            shutil.rmtree(self.twin)
        expect(inside.status == native.status, 'the exit statuses differ (inside, native)', inside, native)
        expect(change(inside.text) == change(native.text), 'the outputs differ (inside, native)', inside, native)
        if stderr:
            expect(inside.errors == native.errors, 'the errors differ (inside, native)', inside, native)
        return inside


class Group:
    """The cases of one test program, run in the order of their definition."""

    def __init__(self):
        self.cases = []

    def case(self, name):
        def add(function):
            self.cases.append((name, function))
            return function
        return add

    def add(self, name, function):
        self.cases.append((name, function))

    def main(self, setup=None):
        """Runs all cases (or those whose names contain an argument) and prints TAP. Never returns."""
        scratch()
        wanted = sys.argv[1:]
        cases = [item for item in self.cases if not wanted or any(word in item[0] for word in wanted)]
        print(f'1..{len(cases)}', flush=True)
        context, broken = None, None
        try:
            if not os.path.exists(OCCLUM):
                raise Failure(f'{OCCLUM} is not there: build the project first')
            context = setup() if setup else None
        except Exception as error:  # every case then fails and says why
            broken = error
        failures = 0
        for number, (name, function) in enumerate(cases, 1):
            outcome, notes = 'ok', ''
            try:
                if broken:
                    raise broken
                function(context) if setup else function()
            except Skip as reason:
                name = f'{name} # SKIP {reason}'
            except Failure as failure:
                outcome, notes = 'not ok', str(failure)
            except Exception:
                outcome, notes = 'not ok', traceback.format_exc()
            failures += outcome != 'ok'
            print(f'{outcome} {number} - {name}')
            for line in notes.splitlines():
                print('#', printable(line))
            sys.stdout.flush()
            if broken:
                broken = Failure('the set-up of the group failed, see the first case')
        sys.exit(1 if failures else 0)
