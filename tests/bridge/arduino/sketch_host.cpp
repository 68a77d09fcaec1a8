// The sketch as it lies in the package, run for five seconds of its own clock.
#include "canhlo_line.ino"

int main() {
  setup();
  for (; board_ms < 5000; board_ms += 10) loop();
  return 0;
}
