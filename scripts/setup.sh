#!/bin/sh
# Installs what the given groups need: npm (packages), demo, board, test and bench (Debian packages; for the virtual
# board also what it boots).
# What is there already is left alone; without the right to install it says what is missing.
set -eu
cd "$(dirname "$0")/.."

# Installs Debian packages, where we may
install_debian_packages() {
  if [ "$(id -u)" = 0 ]; then
    root=
  elif sudo -n true 2>/dev/null; then
    root='sudo -n'
  else
    echo "novaboot: missing Debian packages: $*" >&2
    echo "novaboot: install them with: sudo apt-get install $*" >&2
    exit 69
  fi
  echo "novaboot: installing Debian packages: $*" >&2
  install="env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $*"
  $root $install >&2 || { $root apt-get update -q >&2 && $root $install >&2; }
}

# PROGRAM:PACKAGE pairs of a group; also of files
programs_of() {
  case $1 in
    demo) echo rsync:rsync ssh:openssh-client setpriv:util-linux ;;
    board) echo qemu-system-aarch64:qemu-system-arm /usr/lib/u-boot/qemu_arm64/u-boot.bin:u-boot-qemu xz:xz-utils ;;
    test)
      echo sshd:openssh-server script:bsdutils strace:strace unshare:util-linux
      echo qemu-system-x86_64:qemu-system-x86 busybox:busybox-static git:git getfattr:attr
      echo systemd-nspawn:systemd-container debootstrap:debootstrap nfs-ls:libnfs-utils
      echo setfacl:acl setcap:libcap2-bin zstd:zstd bsdtar:libarchive-tools xz:xz-utils bzip2:bzip2
      echo mkfs.btrfs:btrfs-progs mkfs.ext4:e2fsprogs tftp:tftp-hpa atftp:atftp curl:curl ip:iproute2 snmpget:snmp openssl:openssl
      echo zsh:zsh fish:fish /usr/share/bash-completion/bash_completion:bash-completion
      echo socat:socat picocom:picocom lintian:lintian qemu-aarch64:qemu-user
      ;;
    bench)
      echo ganesha.nfsd:nfs-ganesha ganesha.nfsd:nfs-ganesha-vfs nfs-ls:libnfs-utils strace:strace \
        unshare:util-linux setfattr:attr mkfs.btrfs:btrfs-progs mkfs.xfs:xfsprogs atftp:atftp
      ;;
  esac
}

install_programs() {
  missing=
  for pair in $(programs_of "$1"); do
    case $pair in
      /*) [ -e "${pair%%:*}" ] ;;
      *) PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null ;;
    esac || missing="$missing ${pair#*:}"
  done
  # shellcheck disable=SC2086
  [ -z "$missing" ] || install_debian_packages $missing
}

install_npm_packages() {
  # Node's own libraries, before npm runs the install scripts of packages by it
  libraries=$(/sbin/ldconfig -p)
  for pair in libatomic.so.1:libatomic1 libstdc++.so.6:libstdc++6; do
    case $libraries in
      *"${pair%%:*}"*) ;;
      *) install_debian_packages "${pair#*:}" ;;
    esac
  done
  stamp=node_modules/.novaboot-installed
  if [ ! -e "$stamp" ] || [ package-lock.json -nt "$stamp" ]; then
    npm ci --no-fund --no-audit --loglevel=error >&2
    # npm 9, Debian's, takes the link to Node away with the Node that it skips: the other architecture's.
    for node in node_modules/node-linux-*/bin/node; do ln -sf "../${node#*/}" node_modules/.bin/node; done
    node_modules/.bin/node --version >/dev/null || {
      echo 'novaboot: npm has installed no Node that runs here; amd64 or arm64 is needed' >&2
      exit 69
    }
    touch "$stamp"
  fi
}

for group in "$@"; do
  case $group in
    npm) install_npm_packages ;;
    board)
      install_programs board
      sh scripts/kernel.sh board
      node_modules/.bin/node scripts/board-images.ts node_modules/.cache/novaboot-board
      ;;
    test)
      install_programs test
      sh scripts/kernel.sh guest
      sh scripts/test-daemons.sh
      ;;
    *) install_programs "$group" ;;
  esac
done
