# What shells are for, in POSIX terms: run by bash, dash and busybox sh, inside and outside; the output must be the same.
# Nothing here depends on process ids, on times, or on the order in which children that run at once end.
set -u
cd /tmp || exit 1
section() { echo "--- $*"; }

section pipelines
seq 100 | sort -rn | head -n 3 | tr '\n' ' '; echo
seq 1000 | cat | cat | cat | cat | cat | cat | cat | tail -n 1
yes 2>/dev/null | head -n 5 | wc -l
echo one two three | { read -r a b; echo "a=$a b=$b"; }
seq 5 | while read -r n; do echo "item $n"; done | tail -n 2
false | true; echo "last of a pipeline $?"
true | false; echo "last of a pipeline $?"
! true | false; echo "negated $?"
{ echo out; echo err >&2; } 2>&1 | sort
(exit 3) | cat; echo "status behind a pipe $?"
seq 30000 | sed -n '$p;15000p'
seq 30000 | { head -n 1 >/dev/null; cat >/dev/null; }; echo "read to the end $?"
i=0; seq 20 | while read -r x; do i=$((i + x)); done; echo "a loop in a pipe is a subshell: $i"

section subshells
x=1
(x=2; cd /; echo "inside $x $(pwd)"; exit 7); echo "outside $x $(pwd) status $?"
(x=3; (x=4; (x=5; echo "deep $x"); echo "less $x"); echo "least $x")
( ( ( exit 9 ) ) ); echo "status through three $?"
(set -e; false; echo "not reached"); echo "set -e $?"
( trap 'echo "leaving with $?"' EXIT; exit 4 ); echo "trap on exit $?"
{ x=6; }; echo "a group is no subshell: $x"
(umask 077; umask); (umask 022; umask)
( f() { echo "redefined"; }; f )
unset y; (y=1); echo "unset stays ${y-unset}"

section substitution
echo "nested $(echo "$(echo "$(echo "$(echo deep)")")")"
v=$(seq 3); echo "$v"; echo $v
v=$(printf 'trailing\n\n\n'); echo "[$v]"
v=$(false); echo "status of an assignment $?"
v=$(exit 42); echo "status of an assignment $?"
v=$(seq 20000 | tail -n 1) && echo "long $v"
v=$(echo "a b"; echo c >&2) 2>/dev/null; echo "[$v]"
echo "backquotes `echo \`echo inner\``"
set -- $(seq 10); echo "$# words, the third $3"
echo "arithmetic $((3 * (4 + 5) % 7)) $((0x10 + 010)) $((1 << 20)) $((5 > 3 && 2 < 1))"
p=/usr/lib/libx.so.1; echo "${p##*/} ${p%/*} ${p%%.*} ${p#*/}" "${#p}"
unset u; echo "${u:-default} ${u:=assigned} $u ${u:+other}"
(: "${nothing:?is not set}") 2>/dev/null; echo "unset with ? $([ $? -ne 0 ] && echo fails)"
for word in "a b" c 'd  e'; do printf '<%s>' "$word"; done; echo
IFS=:; set -- $(echo a:b:c); echo "$2"; unset IFS

section here-documents
name=world
cat <<END
hello $name $(echo from a substitution) $((6 * 7))
END
cat <<'END'
not $expanded $(at all)
END
cat <<-END
	tabs go
	away
	END
cat <<A; cat <<B
first
A
second
B
tr a-z A-Z <<END | sed 's/^/> /'
piped on
END
while read -r l r; do echo "$r-$l"; done <<END
1 a
2 b
END
wc -c <<END
$(seq 20000)
END
f() { cat <<END
in a function: $1
END
}
f x; f y

section redirections
echo one >r1; echo two >>r1; cat r1
exec 3>r2; echo three >&3; echo four >&3; exec 3>&-; cat r2
exec 4<r1; read -r l <&4; read -r m <&4; exec 4<&-; echo "$l $m"
{ echo to1; echo to2 >&2; } >r3 2>r4; cat r4 r3
ls /does/not/exist 2>/dev/null; echo "ls $([ $? -ne 0 ] && echo failed)"
cat </does/not/exist 2>/dev/null; echo "redirection failed $?"
exec 5<>r1; echo ONE >&5; exec 5>&-; cat r1
(exec >r5; echo all goes there; echo again); cat r5
: >r6; [ -s r6 ] || echo empty
echo x | tee r7 r8 >/dev/null; cat r7 r8
set -C; (echo y >r7) 2>/dev/null || echo "noclobber holds"; echo z >|r7; set +C; cat r7
rm -f r1 r2 r3 r4 r5 r6 r7 r8

section functions
fact() { if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(fact $(($1 - 1))))); fi; }
echo "10! = $(fact 10)"
fib() { if [ "$1" -lt 2 ]; then r=$1; else fib $(($1 - 1)); set -- "$1" "$r"; fib $(($1 - 2)); r=$((r + $2)); fi; }
r=0; fib 5; echo "something recursive $r"
ret() { return 17; }; ret; echo "return $?"
out() { echo "function in a pipe: $1" | cat; }; out one
args() { echo "$# $1 ${2-none}"; shift; echo "$*"; }; args "a b" c d
opts() { OPTIND=1; while getopts ab:c o; do case $o in a | c) echo "flag $o";; b) echo "value $OPTARG";; *) echo bad;; esac; done; shift $((OPTIND - 1)); echo "rest $*"; }
opts -a -b val -c rest1 rest2

section "loops and tests"
n=0; while :; do n=$((n + 1)); [ $n -eq 3 ] && continue; [ $n -gt 5 ] && break; echo "n $n"; done
until [ $n -le 3 ]; do n=$((n - 1)); done; echo "until $n"
for a in 1 2 3; do for b in x y; do [ $a$b = 2y ] && break 2; printf '%s%s ' $a $b; done; done; echo
for f in /etc/none* /tmp/none*; do echo "$f"; done
case abc in a?c) echo "pattern";; *) echo no;; esac
case "x y" in [0-9]*) echo digit;; x\ y) echo "quoted pattern";; esac
mkdir -p g/h; touch g/a1 g/a2 g/b1 g/.hid g/h/c; echo g/a* g/[!a]* g/*/c; [ -d g/h ] && [ -f g/a1 ] && [ ! -e g/zz ] && echo "tests hold"
[ 3 -lt 20 ] && [ "abc" != "abd" ] && [ -n "x" ] && [ -z "" ] && echo "comparisons hold"
find g -name 'a*' | sort | xargs -n 1 echo found; rm -r g

section "background jobs"
sleep 0.1 & first=$!; (exit 5) & second=$!
wait $second; echo "second $?"; wait $first; echo "first $?"
for i in 1 2 3 4 5 6 7 8; do (echo "job $i" >job.$i) & done; wait; cat job.1 job.8; rm job.*
(sleep 0.2; echo late >mark) & wait $!; cat mark; rm mark
wait; echo "nothing to wait for $?"
wait 999999 2>/dev/null; echo "no child of this shell $?"
mkfifo q; (seq 5 >q) & sed 's/^/through a fifo /' <q; wait; rm q
(kill -TERM $(sh -c 'echo $PPID'); sleep 5; echo "not reached") 2>/dev/null; echo "killed $?"
sleep 60 & kill $!; wait $! 2>/dev/null; echo "terminated $?"
sleep 60 & kill -9 $!; wait $! 2>/dev/null; echo "killed $?"
sleep 60 & kill -0 $! && echo "it lives"; kill -HUP $!; wait $! 2>/dev/null; echo "hung up $?"
{ sleep 0.3; echo slow; } >o1 & { echo fast; } >o2 & wait; cat o1 o2; rm o1 o2
count=0; for i in 1 2 3 4 5; do (exit $i) & pids="${pids-} $!"; done; for p in $pids; do wait "$p"; count=$((count + $?)); done; echo "sum of statuses $count"
( (sleep 0.2; echo grandchild >gc.new; mv gc.new gc) & ); until [ -f gc ]; do sleep 0.05; done; cat gc; rm gc
v=$( (sleep 0.1; echo inner) & wait; echo outer ); echo $v

section traps
trap 'echo "trapped USR1"' USR1; kill -USR1 $$; trap - USR1
trap 'echo "trapped TERM"' TERM; kill -TERM $$; trap - TERM
trap '' INT; kill -INT $$; echo "ignored INT"; (kill -INT $(sh -c 'echo $PPID'); echo "a subshell ignores it as well"); trap - INT
hits=0; trap 'hits=$((hits + 1))' USR2; for i in 1 2 3; do kill -USR2 $$; done; echo "hits $hits"; trap - USR2
(trap 'echo "child trapped"; exit 3' TERM; echo ready >flag; while :; do sleep 0.05; done) & child=$!
until [ -f flag ]; do sleep 0.05; done; kill -TERM $child; wait $child; echo "child ended $?"; rm flag
trap 'echo parent' USR1; (trap 'echo subshell' USR1; kill -USR1 $(sh -c 'echo $PPID')); trap - USR1
trap 'echo "interrupted wait"' ALRM; (sleep 0.2; kill -ALRM $$) & sleep 0.6 & p=$!; wait $p; echo "wait $([ $? -gt 128 ] && echo "was interrupted")"; wait; trap - ALRM
sh -c 'trap "echo exit trap" EXIT; kill -TERM $$; echo after' 2>/dev/null; echo "without a trap for it $?"
sh -c 'trap "echo ended; exit 0" TERM; kill -TERM $$; echo after'; echo "with a trap $?"

section "exec and environment"
sh -c 'exec echo "replaced"; echo "not reached"'
(exec sh -c 'exit 21'); echo "status of what replaced $?"
VAR=one sh -c 'echo "VAR=$VAR"'; echo "VAR ${VAR-gone}"
export EXP=exported; sh -c 'echo "$EXP"; unset EXP; sh -c "echo \${EXP-none}"'
env -i A=1 /bin/sh -c 'echo "A=$A HOME=${HOME-none}"'
sh -c 'echo "$0 $# $2"' zero one two
/does/not/exist 2>/dev/null; echo "not found $?"
/etc 2>/dev/null; echo "a folder $?"
printf '#!/bin/sh\necho "script $1"; exit 6\n' >s.sh; ./s.sh x 2>/dev/null; echo "not executable $?"; chmod +x s.sh; ./s.sh x; echo "$?"
printf 'echo "without a first line $1"\n' >t.sh; chmod +x t.sh; ./t.sh y; sh t.sh z
printf '#!/usr/bin/env sh\necho "by env"\n' >e.sh; chmod +x e.sh; ./e.sh
. ./t.sh sourced; rm s.sh t.sh e.sh
eval 'q=1; eval "q=\$((q + 1))"; echo "eval $q"'
command -v echo >/dev/null && echo "command -v"; command -v no_such_thing || echo "no such thing"
sh -c 'sh -c "sh -c \"sh -c \\\"echo four shells\\\"\""'
seq 40 | xargs -n 1 sh -c 'exit 0' _ && echo "xargs, 40 shells"
seq 3 | xargs -n 1 sh -c '[ "$1" != 2 ]' _ ; echo "xargs with a failure $?"
find / -xdev -path /proc -prune -o -name seq -print 2>/dev/null | head -n 1

section text
printf 'b 2\na 1\nc 3\n' | sort | awk '{ s += $2; print $1 } END { print s }'
printf '%s\n' one two three | grep -n t | cut -d: -f1 | tr '\n' ,; echo
printf '%05d|%-5s|%5.2f|%x|%c\n' 42 ab 3.14159 255 z
seq 10 | paste -s -d+ | sed 's/+/ + /g'
printf 'a\tb\n' | od -c | head -n 1
echo "x=1;y=2" | tr ';' '\n' | while IFS== read -r k w; do echo "$k is $w"; done
seq 12 | xargs -n 5 -P 4 printf '%s.' | wc -c
expr 3 + 4 \* 2; basename /a/b.c .c; dirname /a/b.c
date -u -d @0 +%Y-%m-%dT%H:%M:%S
dd if=/dev/zero bs=1024 count=64 2>/dev/null | wc -c
head -c 100000 /dev/urandom | wc -c
seq 5000 | sort -R | sort -n | md5sum

section "many"
n=0; for i in $(seq 60); do $(command -v true); n=$((n + $?)); done; echo "60 programs $n"
n=0; for i in $(seq 60); do (exit 1); n=$((n + $?)); done; echo "60 subshells $n"
n=0; for i in $(seq 40); do n=$((n + $(echo $i | cat))); done; echo "40 pipelines $n"
level() { if [ "$1" -gt 0 ]; then (level $(($1 - 1))); else echo "twelve subshells deep"; fi; }; level 12
producer() { for i in $(seq 200); do echo "$i"; done; }; consumer() { s=0; while read -r n; do s=$((s + n)); done; echo "sum $s"; }
producer | consumer
producer | grep 7 | consumer
for j in 1 2 3 4; do (producer | consumer >sum.$j) & done; wait; cat sum.1 sum.2 sum.3 sum.4; rm sum.*
exit 33
