// What the sketch uses of Arduino and of Adafruit's library, on this machine: second n finds fault n of the list.
#pragma once
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#define MAX31855_FAULT_OPEN (0x01)
#define MAX31855_FAULT_SHORT_GND (0x02)
#define MAX31855_FAULT_SHORT_VCC (0x04)

static uint32_t board_ms = 0;
const int INPUT_PULLUP = 2;
const int LOW = 0;
const uint8_t FAULTS[] = {0, MAX31855_FAULT_OPEN, MAX31855_FAULT_SHORT_GND, MAX31855_FAULT_SHORT_VCC, 0};

inline uint32_t millis() { return board_ms; }
inline void pinMode(uint8_t, int) {}
inline int digitalRead(uint8_t) { return board_ms < 4000 ? LOW : 1; }

struct {
  void begin(long baud) { if (baud != 115200) fputs("another speed\n", stdout); }
  void print(const char *text) { fputs(text, stdout); }
} Serial;

class Adafruit_MAX31855 {
 public:
  Adafruit_MAX31855(int8_t, int8_t, int8_t) {}
  bool begin() { return true; }
  uint8_t readError() { return FAULTS[board_ms / 1000]; }
  double readCelsius() { return readError() ? NAN : 612.75; }
  double readInternal() { return 24.25; }
};
