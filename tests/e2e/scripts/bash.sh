# What bash has beyond POSIX: wait -n, coprocesses, process substitution, arrays, job control without a terminal.
cd "$(mktemp -d)" || exit 1
section() { echo "--- $*"; }

section "wait -n"
(sleep 0.4; exit 4) & (sleep 0.1; exit 1) &
wait -n; echo "first to end $?"; wait -n; echo "second to end $?"; wait -n; echo "none left $?"
for i in 3 5 7; do (exit $i) & done; sum=0; for i in 1 2 3; do wait -n; sum=$((sum + $?)); done; echo "sum $sum"
(sleep 0.1; exit 9) & wanted=$!; wait -n -p ended $wanted; echo "status $? $([ "$ended" = "$wanted" ] && echo "of the one asked for")"
running=0; done_count=0
for i in $(seq 12); do
    if [ $running -ge 4 ]; then wait -n; running=$((running - 1)); done_count=$((done_count + 1)); fi
    (sleep 0.0$((i % 3))) & running=$((running + 1))
done
while [ $running -gt 0 ]; do wait -n; running=$((running - 1)); done_count=$((done_count + 1)); done
echo "a pool of 4 did $done_count"

section "process substitution"
diff <(seq 5) <(seq 5) && echo same
diff <(seq 3) <(echo 1; echo 3) >/dev/null || echo different
while read -r a; do last=$a; done < <(seq 50); echo "last $last"
seq 10 | tee >(wc -l >lines) >/dev/null; sleep 0.3; cat lines; rm lines
paste <(seq 3) <(seq 4 6) <(seq 7 9)

section coprocess
coproc CALC { while read -r a b; do echo $((a * b)); done; }
echo 6 7 >&"${CALC[1]}"; read -r answer <&"${CALC[0]}"; echo "answer $answer"
echo 12 12 >&"${CALC[1]}"; read -r answer <&"${CALC[0]}"; echo "answer $answer"
pid=$CALC_PID; eval "exec ${CALC[1]}>&-"; wait "$pid"; echo "ended $?"

section "arrays, strings, arithmetic"
list=(one "two words" three); list+=(four); echo "${#list[@]} ${list[1]} ${list[@]:2}"
declare -A map=([a]=1 [b]=2); map[c]=3; for k in a b c; do printf '%s=%s ' $k "${map[$k]}"; done; echo
s=Hello; echo "${s^^} ${s,,} ${s/l/L} ${s//l/L} ${s:1:3} ${s: -2}"
printf -v padded '%08.3f' 3.14159; echo "$padded"
for ((i = 0, n = 1; i < 10; i++)); do ((n *= 2)); done; echo "$n"
[[ abc123 =~ ^([a-z]+)([0-9]+)$ ]] && echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
mapfile -t lines < <(seq 5); echo "${#lines[@]} ${lines[4]}"
echo {1..5} {a..e} x{1,2}{y,z}
cat <<<"a here-string with $s"
shopt -s lastpipe; seq 5 | while read -r n; do total=$((total + n)); done; echo "lastpipe $total"; shopt -u lastpipe

section "statuses"
set -o pipefail; seq 3 | false | cat; echo "pipefail $?"; set +o pipefail
true | (exit 3) | (exit 5) | true; echo "${PIPESTATUS[@]}"
(kill -SEGV $BASHPID) 2>/dev/null; echo "segv $?"
(kill -ABRT $BASHPID) 2>/dev/null; echo "abrt $?"
(kill -STOP $BASHPID; echo continued) & stopped=$!; sleep 0.3; kill -CONT $stopped; wait $stopped; echo "after a stop $?"
trap 'echo "DEBUG or ERR: $?"' ERR; false; (exit 8); trap - ERR
trap 'children=$((children + 1))' CHLD; set -m; for i in 1 2 3; do (exit 0) & wait $!; done; set +m; trap - CHLD; echo "SIGCHLD was seen $([ "$children" -ge 3 ] && echo "for each")"
timeout 0.2 sleep 10; echo "timeout $?"
timeout -s KILL 0.2 sleep 10; echo "timeout by KILL $?"
time_of() { local TIMEFORMAT=%R; { time sleep 0.2; } 2>&1; }; [[ $(time_of) =~ ^0\.[2-9]|^[1-9] ]] && echo "time is told"
set -m; sleep 30 & jobs %1 >/dev/null && echo "job 1 is there"; kill %1; wait %1 2>/dev/null; echo "by job number $?"; set +m
sleep 30 & disown; kill $!; wait $! 2>/dev/null; echo "disowned $?"
read -r -t 0.1 x < <(sleep 1); echo "read with a time limit $([ $? -gt 128 ] && echo "ran out")"
exec {fd}>auto; echo "by a variable" >&$fd; exec {fd}>&-; cat auto; rm auto
ulimit -n 64; (ulimit -n)
(ulimit -t 1; while :; do :; done) 2>/dev/null; echo "cpu limit $?"
rmdir "$PWD" && echo "nothing is left"
exit 34
