#!/bin/sh
# The outlets of power distribution units, for snmpd's pass_persist (snmpd.conf(5)): pdu.sh OBJECTS. The file has a line
# OID VALUE for each object, and OID -> OID NEW VALUE for what a SET of NEW does: it gives VALUE to the second object.
objects=$1
while read -r command; do
  case $command in
    PING) echo PONG ;;
    get)
      read -r oid
      value=$(sed -n "s/^$oid \([^ ]*\)$/\1/p" "$objects")
      # snmpd sets only what it can read.
      [ -n "$value" ] || ! grep -q "^$oid ->" "$objects" || value=0
      case $value in
        '') echo NONE ;;
        *[!0-9-]*) printf '%s\nstring\n%s\n' "$oid" "$value" ;;
        *) printf '%s\ninteger\n%s\n' "$oid" "$value" ;;
      esac
      ;;
    getnext) read -r oid && echo NONE ;;
    set)
      read -r oid
      read -r type value
      echo "$oid $type $value" >>"$objects.sets"
      rule=$(grep "^$oid -> [^ ]* $value " "$objects")
      if [ "$type" != integer ]; then
        echo wrong-type
      elif [ -z "$rule" ]; then
        echo wrong-value
      else
        # shellcheck disable=SC2086
        set -- $rule
        sed -i "s/^$3 -\{0,1\}[0-9]*\$/$3 $5/" "$objects"
        echo DONE
      fi
      ;;
  esac
done
