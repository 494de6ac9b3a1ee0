#!/usr/bin/env bash
# unpack-debian.sh FOLDER STATUS SUITES PACKAGE...: downloads packages of these Debian suites (separated by commas) and
# unpacks them into FOLDER, no root needed. With STATUS = none just these; else also what they depend on and what the
# dpkg status file STATUS does not list. Signatures are checked by apt; the system's own lists and cache stay as they are.
set -euo pipefail

folder=$(mkdir -p "$1" && cd "$1" && pwd) status=$2 suites=$3
shift 3
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo 'apt-get and dpkg-deb are not here' >&2; exit 1; }
[ -f "$keyring" ] || { echo "the package debian-archive-keyring is not installed" >&2; exit 1; }

# The system's own mirror of Debian, where it names one.
sources=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true)
mirror=$(grep -oE '^(deb|URIs:) .*' <<< "$sources" | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -1 || true)
mirror=${DEBIAN_MIRROR:-${mirror:-http://deb.debian.org/debian}}

work=$(mktemp -d "$folder/.apt.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,cache/archives/partial}
: > "$work/none"
: > "$work/extended_states"
for suite in ${suites//,/ }; do
  echo "deb [signed-by=$keyring] $mirror $suite main" >> "$work/sources.list"
done
[ "$status" = none ] && status=$work/none
apt=(apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
  -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o Dir::State::status="$status"
  -o Dir::State::extended_states="$work/extended_states" -o Dir::Log="$work"
  -o APT::Get::List-Cleanup=0 -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Debug::NoLocking=1
  -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false -o Acquire::Retries=3)

"${apt[@]}" update
cd "$work/cache/archives"
if [ "$status" = "$work/none" ]; then
  "${apt[@]}" download "$@"
else
  # The last suite named wins over the others, as for backports.
  "${apt[@]}" install -y --no-install-recommends --download-only -t "${suites##*,}" "$@" >/dev/null
fi
for deb in ./*.deb; do dpkg-deb -x "$deb" "$folder"; done

# Older packages still hold /lib and /bin apart from /usr.
cd "$folder"
for name in bin lib sbin; do
  [ -d $name ] && [ ! -L $name ] || continue
  mkdir -p usr/$name
  cp -a $name/. usr/$name/
  rm -rf $name
  ln -s usr/$name $name
done
