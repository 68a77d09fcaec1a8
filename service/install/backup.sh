#!/bin/sh
# A backup of today in a folder; of those before it the newest thirteen stay.
set -eu
CANHLO=$1
FOLDER=$2
KEEP=${CANHLO_KEEP_BACKUPS:-14}
keep() { ls -1 "$FOLDER"/canhlo-*.tar 2>/dev/null | sort -r | tail -n "+$(($1 + 1))" | while read -r old; do rm -- "$old"; done; }

# What a power cut left half done.
find "$FOLDER" -maxdepth 1 \( -name '.canhlo-*' -o -name '*.unfinished' \) -mtime +0 -exec rm -rf {} +
keep "$((KEEP > 1 ? KEEP - 1 : 1))" # before: today's needs their room, and the newest stay if it fails
"$CANHLO" backup "$FOLDER/canhlo-$(date +%Y-%m-%dT%H%M%S).tar"
keep "$KEEP"
