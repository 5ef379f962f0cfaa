# Ends a private PostgreSQL and deletes its folder when the test process is gone, however it went.
#
# Standard input is a pipe whose other end only the test process holds: the system closes it even after a SIGKILL.
# $folder is the cluster's folder. The server is found by its argument, not by a number that another process may have
# by now; the brackets keep grep from finding itself.

# shellcheck disable=SC2154
server() { grep -lsxz -e "$folder/dat[a]" /proc/[0-9]*/cmdline | cut -d / -f 3; }
children() { grep -ls "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status | cut -d / -f 3; }

read -r _

tries=0
pids=$(server)
while [ -n "$pids" ]; do
    for pid in $pids; do
        if [ "$tries" -lt 100 ]; then
            kill -QUIT "$pid"
        else
            kill -KILL "$pid" $(children "$pid")
        fi
        # What a test has stopped must go on to be able to end.
        kill -CONT "$pid" $(children "$pid")
    done
    tries=$((tries + 1))
    sleep 0.02
    pids=$(server)
done
rm -rf "$folder"
