#!/bin/sh
# Runs one of package.json's tasks after making sure that what it needs is installed.
set -eu
cd "$(dirname "$0")/.."
task=$1
shift

case $task in
  check | build | package | pack) sh scripts/setup.sh npm ;;
  demo)
    sh scripts/setup.sh npm demo
    # Without a virtual board there is a simple one; the demo says why.
    sh scripts/setup.sh board || :
    ;;
  *) sh scripts/setup.sh npm demo board test ;;
esac
PATH=$PWD/node_modules/.bin:$PATH
export PATH

case $task in
  build) exec node scripts/build.ts "$@" ;;
  pack) exec node scripts/pack.ts ;;
  package) exec node scripts/package.ts "$@" ;;
  check)
    biome check .
    tsc
    exec knip
    ;;
  demo)
    node scripts/build.ts
    exec node dist/novaboot-demo.js "$@"
    ;;
  test)
    node scripts/build.ts
    exec vitest run "$@"
    ;;
  bench)
    node scripts/build.ts
    subject=${1-startup}
    [ $# = 0 ] || shift
    case $subject in
      nfs)
        sh scripts/setup.sh bench
        exec node bench/nfs/main.ts "$@"
        ;;
      lab) exec node bench/lab/main.ts "$@" ;;
      startup | untar) exec node "bench/$subject.ts" "$@" ;;
      save)
        sh scripts/setup.sh bench
        exec node bench/save.ts "$@"
        ;;
      tftp)
        sh scripts/setup.sh bench
        sh scripts/tftp-peers.sh
        exec node bench/tftp.ts "$@"
        ;;
    esac
    echo "novaboot: npm run bench [startup|nfs|untar|save|tftp|lab] [ARGUMENTS]" >&2
    exit 64
    ;;
esac
