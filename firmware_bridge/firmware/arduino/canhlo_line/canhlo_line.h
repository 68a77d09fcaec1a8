// One Canh Lò line (docs/line-format.md): numbered, dated by the board's uptime, with a checksum.
// Nothing here needs Arduino, so that the tests compile it on any machine.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

class CanhLoLine {
 public:
  explicit CanhLoLine(const char *board) : board_(board) {}

  void begin(uint32_t uptime_ms) {
    size_ = 0;
    put("@CL1 ");
    put(board_);
    put(" ");
    putNumber(seq_++);
    put(" ");
    putNumber(uptime_ms);
    put(" ");
  }

  // A number that is none, or that needs more than nine digits, goes out as a fault: never as another number.
  void add(const char *channel, float value, const char *unit) {
    if (isnan(value)) return addFault(channel, "none");
    if (fabsf(value) > 9999999.0f) return addFault(channel, "range");
    const size_t before = size_;
    const uint32_t hundredths = static_cast<uint32_t>(lroundf(fabsf(value) * 100.0f));
    putName(channel);
    if (value < 0.0f && hundredths > 0) put("-");
    putNumber(hundredths / 100);
    put(".");
    putChar(static_cast<char>('0' + hundredths / 10 % 10));
    putChar(static_cast<char>('0' + hundredths % 10));
    put(unit);
    finish(before);
  }

  // open, gnd, vcc, range, fault or none.
  void addFault(const char *channel, const char *fault) {
    const size_t before = size_;
    putName(channel);
    put("!");
    put(fault);
    finish(before);
  }

  // A cone-sitter's contact.
  void addContact(const char *channel, bool is_closed) {
    const size_t before = size_;
    putName(channel);
    put(is_closed ? "closed" : "open");
    finish(before);
  }

  const char *end() {
    static const char digits[] = "0123456789ABCDEF";
    const uint16_t crc = crc16();
    text_[size_++] = '*';
    for (int8_t shift = 12; shift >= 0; shift -= 4) text_[size_++] = digits[(crc >> shift) & 15];
    text_[size_++] = '\r';
    text_[size_++] = '\n';
    text_[size_] = '\0';
    return text_;
  }

 private:
  static const size_t kSize = 256;
  static const size_t kEnd = 8;  // '*', four digits, CR, LF, NUL

  void putChar(char c) {
    if (size_ < kSize - kEnd) text_[size_] = c;
    size_++;
  }
  void put(const char *text) {
    while (*text) putChar(*text++);
  }
  void putName(const char *channel) {
    put(channel);
    put("=");
  }
  void putNumber(uint32_t number) {
    char digits[10];
    uint8_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number);
    while (count) putChar(digits[--count]);
  }
  // A channel that has no room is left out whole.
  void finish(size_t before) {
    put(" ");
    if (size_ > kSize - kEnd) size_ = before;
  }
  uint16_t crc16() const {
    uint16_t crc = 0xFFFF;
    for (size_t at = 1; at < size_; at++) {  // all but the '@'
      crc = static_cast<uint16_t>(crc ^ (static_cast<uint16_t>(static_cast<uint8_t>(text_[at])) << 8));
      for (uint8_t bit = 0; bit < 8; bit++) {
        crc = static_cast<uint16_t>((crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1);
      }
    }
    return crc;
  }

  const char *board_;
  uint32_t seq_ = 0;
  size_t size_ = 0;
  char text_[kSize];
};
