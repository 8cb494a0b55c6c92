# Runs PostgreSQL until standard input ends, which is when the test's process ends, however it does.
# keep.sh FOLDER BINARIES PORT
folder=$1 binaries=$2 port=$3
trap '' INT TERM HUP
as=
if [ "$(id -u)" = 0 ]; then
    # PostgreSQL refuses to run as root; its package brings a user for it.
    as="setpriv --reuid=postgres --regid=postgres --clear-groups"
    chown postgres: "$folder"
fi
cd "$folder" || exit 1
$as "$binaries/initdb" --pgdata="$folder/data" --username=headwater --auth=trust --encoding=UTF8 --no-sync \
    >"$folder/log" 2>&1 || exit 1
# Nothing here has to survive the machine: without fsync the tests are quicker.
$as "$binaries/postgres" -D "$folder/data" -k "$folder" -h 127.0.0.1 -p "$port" \
    -c fsync=off -c max_connections=200 </dev/null >>"$folder/log" 2>&1 &
server=$!
cat >/dev/null
kill -INT "$server"
wait "$server"
rm -rf "$folder"
