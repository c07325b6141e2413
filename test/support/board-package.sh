#!/bin/sh
# Builds the Debian package that a board installs: with a script, a configuration file, links and a set-uid program.
#
# Parameter: the file to write.
set -eu
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work/DEBIAN" "$work/usr/bin" "$work/usr/lib/board-test" "$work/etc" "$work/var/lib/board-test"
cat >"$work/DEBIAN/control" <<END
Package: board-test
Version: 1.0
Architecture: all
Maintainer: Nobody <nobody@example.org>
Description: what a board installs in a test
END
echo /etc/board-test.conf >"$work/DEBIAN/conffiles"
cat >"$work/DEBIAN/postinst" <<END
#!/bin/sh
set -e
echo configured >/var/lib/board-test/state
chown 12:34 /var/lib/board-test/state
dpkg-statoverride --update --add root tty 4750 /usr/lib/board-test/helper
END
chmod 755 "$work/DEBIAN/postinst"
echo setting=1 >"$work/etc/board-test.conf"
printf '#!/bin/sh\necho the package works\n' >"$work/usr/bin/board-test"
chmod 755 "$work/usr/bin/board-test"
echo helper >"$work/usr/lib/board-test/helper"
ln "$work/usr/lib/board-test/helper" "$work/usr/lib/board-test/helper-too"
ln -s ../lib/board-test/helper "$work/usr/bin/board-helper"
dpkg-deb --root-owner-group -Zgzip --build "$work" "$1" >/dev/null
