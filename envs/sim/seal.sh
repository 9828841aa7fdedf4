#!/bin/sh
# seal.sh OUT IN: the object IN with every symbol but the tile factories made local.
#
# Inline functions of an object compiled for AVX-512 are weak symbols; the linker keeps one copy of each and may pick
# that object's for the whole program, which then dies on a machine without AVX-512. Sealed objects keep their copies
# to themselves. (Compile them with -fno-gnu-unique: objcopy leaves unique symbols global.)
set -e
ld -r --force-group-allocation -o "$1" "$2"
objcopy --wildcard --keep-global-symbol='*make_tile_*' "$1"
