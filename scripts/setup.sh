#!/bin/sh
# Installs what the given groups need: npm (packages), demo and test (Debian packages).
# What is there already is left alone; without the right to install it says what is missing.
set -eu
cd "$(dirname "$0")/.."

install_npm_packages() {
  stamp=node_modules/.novaboot-installed
  if [ ! -e "$stamp" ] || [ package-lock.json -nt "$stamp" ]; then
    npm ci --no-fund --no-audit --loglevel=error >&2
    touch "$stamp"
  fi
  # The package "node" brings the runtime; npm may have been told not to run install scripts.
  if ! node_modules/.bin/node -e 0 2>/dev/null; then
    (cd node_modules/node && node installArchSpecificPackage.js) >&2
  fi
}

# PROGRAM:PACKAGE pairs of a group
programs_of() {
  case $1 in
    demo) echo rsync:rsync ssh:openssh-client setpriv:util-linux ;;
    test) echo sshd:openssh-server getfattr:attr unshare:util-linux ;;
  esac
}

install_debian_packages() {
  missing=
  for pair in $(programs_of "$1"); do
    PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
  done
  [ -n "$missing" ] || return 0
  missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
  if [ "$(id -u)" = 0 ]; then
    root=
  elif sudo -n true 2>/dev/null; then
    root='sudo -n'
  else
    echo "novaboot: missing Debian packages: $missing" >&2
    echo "novaboot: install them with: sudo apt-get install $missing" >&2
    exit 69
  fi
  echo "novaboot: installing Debian packages: $missing" >&2
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  $root apt-get install -y -q --no-install-recommends $missing >&2 ||
    { $root apt-get update -q >&2 && $root apt-get install -y -q --no-install-recommends $missing >&2; }
}

for group in "$@"; do
  case $group in
    npm) install_npm_packages ;;
    *) install_debian_packages "$group" ;;
  esac
done
