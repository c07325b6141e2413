#!/bin/sh
# Fetches what tests run that is not to be installed: the servers that are the other side, snmpd and ser2net, which would
# serve the network, and the libraries for our programs of the other architecture.
set -eu
cd "$(dirname "$0")/.."
cache=$PWD/node_modules/.cache
sh scripts/unpacked-packages.sh "$(dpkg --print-architecture)" "$cache/novaboot-daemons" snmpd+ ser2net+
sh scripts/unpacked-packages.sh arm64 "$cache/novaboot-arm64" libc6 libgcc-s1 libstdc++6 libatomic1
# promtool, which reads our metrics.
sh scripts/unpacked-packages.sh "$(dpkg --print-architecture)" "$cache/novaboot-prometheus" prometheus
