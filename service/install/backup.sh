#!/bin/sh
# A backup of today in a folder; of those before it the newest thirteen stay.
set -eu
CANHLO=$1
FOLDER=$2
KEEP=${CANHLO_KEEP_BACKUPS:-14}
"$CANHLO" backup "$FOLDER/canhlo-$(date +%Y-%m-%dT%H%M%S).tar"
ls -1 "$FOLDER"/canhlo-*.tar | sort -r | tail -n "+$((KEEP + 1))" | while read -r old; do rm -- "$old"; done
