// SPDX-License-Identifier: MIT
//
// The files of synth/fonts as bytes of the program.
  .section .note.GNU-stack, "", %progbits
  .section .rodata
.macro font name, file
  .globl mapweave_font_\name\()_begin
  .globl mapweave_font_\name\()_end
  .balign 16
mapweave_font_\name\()_begin:
  .incbin "\file"
mapweave_font_\name\()_end:
.endm
  font roman, "roman.ttf"
  font roman_bold, "roman-bold.ttf"
  font italic, "italic.ttf"
  font didone, "didone.otf"
  font garalde_italic, "garalde-italic.otf"
  font bookletter, "bookletter.otf"
  font grotesque, "grotesque.otf"
  font slab, "slab.otf"
  font script, "script.otf"
  font cursive, "cursive.ttf"
  font hand, "hand.ttf"
