// A MAX31855, the contact of a cone-sitter and Canh Lò: one line a second, 115200 baud.
// Library: Adafruit MAX31855. Wiring: DO 3, CS 4, CLK 5; the contact between pin 6 and GND.
#include <Adafruit_MAX31855.h>

#include "canhlo_line.h"

Adafruit_MAX31855 probe(5, 4, 3);
CanhLoLine line("lo-1");
const uint8_t kContactPin = 6;

void setup() {
  Serial.begin(115200);
  pinMode(kContactPin, INPUT_PULLUP);
  probe.begin();
}

void loop() {
  static uint32_t next_ms = 0;
  const uint32_t now_ms = millis();
  if (static_cast<int32_t>(now_ms - next_ms) < 0) return;
  next_ms = now_ms + 1000;

  const double temp_c = probe.readCelsius();
  const uint8_t fault = probe.readError();
  line.begin(now_ms);
  if (fault & MAX31855_FAULT_OPEN) line.addFault("top", "open");
  else if (fault & MAX31855_FAULT_SHORT_GND) line.addFault("top", "gnd");
  else if (fault & MAX31855_FAULT_SHORT_VCC) line.addFault("top", "vcc");
  else line.add("top", temp_c, "C");
  line.add("chip", probe.readInternal(), "C");
  line.addContact("sitter", digitalRead(kContactPin) == LOW);
  Serial.print(line.end());
}
