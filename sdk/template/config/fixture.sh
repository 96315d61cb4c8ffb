#!/bin/sh
# SPDX-License-Identifier: MIT
# The peer of the conformance suite: changes the file that the plugin reads, as the suite asks.
#   lucius-plugin-check build/config-mine.so --fixture ./fixture.sh
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
trap 'exit 0' TERM
: >"$dir/settings"
echo "mine-file=$dir/settings"
echo "ready"
while read -r word key value; do
	case $word in
	set | remove)
		grep -v "^$key=" "$dir/settings" >"$dir/new"
		[ "$word" = remove ] || echo "$key=$value" >>"$dir/new"
		mv "$dir/new" "$dir/settings"
		;;
	down) mv "$dir/settings" "$dir/away" ;;
	up) [ ! -e "$dir/away" ] || mv "$dir/away" "$dir/settings" ;;
	esac
	echo ok
done
