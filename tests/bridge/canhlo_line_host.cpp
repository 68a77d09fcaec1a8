// The board's code, on this machine: a few lines on standard output.
#include <stdio.h>

#include "canhlo_line.h"

int main() {
  CanhLoLine line("lo-1");
  for (uint32_t second = 0; second < 5; second++) {
    const float step = static_cast<float>(second);
    line.begin(1000 * second);
    line.add("top", 612.75f + step, "C");
    if (second == 3) line.addFault("bottom", "open");
    else line.add("bottom", -0.004f - step, "C");
    line.add("nothing", NAN, "C");
    line.add("huge", 1e12f, "C");
    line.add("cone", 41.5f, "deg");
    line.addContact("sitter", second < 4);
    if (second == 4) {
      for (int at = 0; at < 40; at++) line.add("more", 1.0f, "kg");
    }
    fputs(line.end(), stdout);
  }
  return 0;
}
