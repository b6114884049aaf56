#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs the pinned GeoJSON validator into a folder that holds its
# package.json and package-lock.json. Ends with 77, which skips the tests, if
# there is no npm or no network.
folder=$1
if cmp -s "$folder/package-lock.json" "$folder/installed-lock.json"; then
  exit 0
fi
if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
  echo "npm is not installed"
  exit 77
fi
if ! timeout 150 npm ci --prefix "$folder" --ignore-scripts --no-audit \
    --no-fund; then
  rm -rf "$folder/node_modules"
  exit 77
fi
cp "$folder/package-lock.json" "$folder/installed-lock.json"
